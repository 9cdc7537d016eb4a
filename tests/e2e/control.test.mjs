// device documents in a control database: names, revocation, attempts to change what the daemon owns.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

/** Two active devices of one user. */
async function two(owner) {
  const phone = await world.activate(world.device(owner, { name: 'phone' }));
  const laptop = await world.activate(world.device(owner, { name: 'laptop' }));
  return [phone, laptop];
}

const refusedLogin = (device) =>
  waitFor(async () => (await device.request(device.control)).status === 401, { what: 'the log-in being refused' });

test('a device revokes another: its log-in ends, the mailbox is told, both documents say so', async () => {
  const [phone, laptop] = await two('revoke@example.com');
  const copy = await world.get(phone, laptop.id);
  assert.equal((await world.put(phone, { ...copy, state: 'revoke', wipe: true })).status, 201);
  await refusedLogin(laptop);
  const revoked = await world.seen(phone, laptop.id, ({ state }) => state === 'revoked');
  assert.equal(revoked.wipe, true);
  const handshake = await laptop.waitFor('revoked');
  assert.deepEqual(Object.keys(handshake).sort(), ['_id', '_rev', 'state', 'type', 'wipe']);
  assert.equal(handshake.wipe, true);
  const told = await world.mail.next({ to: 'revoke@example.com', subject: /signed out/ });
  assert.match(told.text, /laptop/);
  assert.equal((await phone.request(phone.control)).status, 200);
});

test('a revocation stays: no device takes it back', async () => {
  const [phone, laptop] = await two('stays@example.com');
  await world.put(phone, { ...await world.get(phone, laptop.id), state: 'revoke' });
  const revoked = await world.seen(phone, laptop.id, ({ state }) => state === 'revoked');
  for (const state of ['active', 'new', 'confirmed'])
    assert.equal((await world.put(phone, { ...revoked, state })).status, 403);
  const [generation, parent] = revoked._rev.split('-');
  const replicate = async (start, ids) => {
    const doc = { ...revoked, state: 'active', _rev: `${start}-${ids[0]}`, _revisions: { start, ids } };
    return (await phone.request(`${phone.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [doc] } })).body[0];
  };
  // Neither as a replicated revision on top of it.
  assert.equal((await replicate(Number(generation) + 1, ['f'.repeat(32), parent]))?.error, 'forbidden');
  // One that hangs elsewhere gets in and may win; the daemon puts it right.
  assert.equal((await replicate(50, ['f'.repeat(32), 'e'.repeat(32)]))?.error, undefined);
  await world.seen(phone, laptop.id, ({ state, _rev }) => state === 'revoked' && _rev.startsWith('51-'));
  assert.equal((await laptop.request(laptop.control)).status, 401);
});

test('a revoke that lost against a later rename counts all the same', async () => {
  const [phone, laptop] = await two('branch@example.com');
  const copy = await world.get(phone, laptop.id);
  const [generation, parent] = copy._rev.split('-');
  const start = Number(generation) + 1;
  const branch = (ids, first, change) => ({ ...copy, ...change, _rev: `${first}-${ids[0]}`, _revisions: { start: first, ids } });
  const docs = [
    branch(['f'.repeat(32), 'e'.repeat(32), parent], start + 1, { name: 'renamed twice' }),
    branch(['0'.repeat(32), parent], start, { state: 'revoke' }),
  ];
  const { body } = await phone.request(`${phone.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs } });
  assert.deepEqual(body.filter((row) => row.error), []);
  await refusedLogin(laptop);
  await laptop.waitFor('revoked');
});

test('no branch has a name, and no deletion a text, that would fill the feed', async () => {
  const [phone] = await two('long-names@example.com');
  const branch = (change, name) => ({ _id: 'note', type: 'note', state: 'any', ...change, _rev: `1-${name}` });
  const docs = [branch({}, 'ab'.repeat(5000)), branch({ _deleted: true }, 'cd'.repeat(5000)), branch({ _deleted: true, text: 'x'.repeat(70000) }, 'e'.repeat(32))];
  for (const doc of docs) {
    const { body } = await phone.request(`${phone.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [doc] } });
    assert.equal(body[0]?.error, 'forbidden', doc._rev.slice(0, 10));
  }
  const { body } = await phone.request(`${phone.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [branch({}, 'f'.repeat(40))] } });
  assert.deepEqual(body, []);
});

test('a device renames itself or another; what the daemon owns it cannot change', async () => {
  const [phone, laptop] = await two('rename@example.com');
  const copy = await world.get(phone, laptop.id);
  assert.equal((await world.put(phone, { ...copy, name: 'Kitchen laptop' })).status, 201);
  await waitFor(async () => (await world.daemon.request(`/${world.daemon.names.registry_db}/device-${laptop.id}`)).body.name === 'Kitchen laptop');
  const current = await world.get(phone, laptop.id);
  assert.equal(current.name, 'Kitchen laptop');
  assert.equal((await world.put(phone, { ...current, user: 'x' })).status, 403);
  assert.equal((await world.put(phone, { ...current, state: 'error' })).status, 403);
  assert.equal((await phone.request(`${phone.control}/${laptop.id}?rev=${current._rev}`, { method: 'DELETE' })).status, 403);
  // As a replication, which validation lets through: the daemon puts it right and keeps the name.
  const next = { ...current, user: 'x', credential: { derived_key: '00' }, name: 'Attic', _rev: `${Number(current._rev.split('-')[0]) + 1}-${'a'.repeat(32)}` };
  next._revisions = { start: Number(next._rev.split('-')[0]), ids: ['a'.repeat(32), current._rev.split('-')[1]] };
  const { body } = await phone.request(`${phone.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [next] } });
  assert.deepEqual(body.filter((row) => row.error), []);
  const mended = await world.seen(phone, laptop.id, ({ name, credential }) => name === 'Attic' && !credential);
  assert.equal(mended.user, phone.user);
  assert.equal(mended.state, 'active');
});

test('a deleted device document comes back', async () => {
  const [phone, laptop] = await two('deleted@example.com');
  const copy = await world.get(phone, laptop.id);
  const control = phone.control.split('/').pop();
  assert.equal((await world.daemon.request(`/${control}/${laptop.id}?rev=${copy._rev}`, { method: 'DELETE' })).status, 200);
  const back = await world.seen(phone, laptop.id, ({ state }) => state === 'active');
  assert.equal(back.name, 'laptop');
});

test('a device of another user cannot be revoked, nor made up', async () => {
  const [phone] = await two('mine@example.com');
  const other = await world.activate(world.device('theirs@example.com'));
  assert.equal((await world.put(phone, { _id: other.id, type: 'device', state: 'revoke' })).status, 403);
  const forged = { _id: other.id, type: 'device', state: 'revoke', _rev: `2-${'b'.repeat(32)}`, _revisions: { start: 2, ids: ['b'.repeat(32), 'a'.repeat(32)] } };
  const { body } = await phone.request(`${phone.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [forged] } });
  assert.deepEqual(body.filter((row) => row.error), []);
  const refused = await world.seen(phone, other.id, ({ state }) => state === 'error');
  assert.equal(refused.error.error, 'unknown_device');
  assert.equal((await other.request(other.control)).status, 200);
  assert.equal((await other.read()).state, 'active');
});

test('the control database\'s design document comes back when somebody deletes or changes it', async () => {
  const [phone] = await two('design@example.com');
  const path = `/${phone.control.split('/').pop()}/_design/channels`;
  const { body: doc } = await world.daemon.request(path);
  await world.daemon.request(`${path}?rev=${doc._rev}`, { method: 'DELETE' });
  const back = await waitFor(async () => {
    const { status, body } = await world.daemon.request(path);
    return status === 200 && body;
  });
  assert.equal(back.validate_doc_update, doc.validate_doc_update);
  await world.daemon.request(path, { method: 'PUT', body: { ...back, validate_doc_update: undefined } });
  await waitFor(async () => (await world.daemon.request(path)).body.validate_doc_update === doc.validate_doc_update);
  // A newer program's design document is left alone.
  const { body: now } = await world.daemon.request(path);
  await world.daemon.request(path, { method: 'PUT', body: { ...now, version: 999, note: 'newer' } });
  await world.makeChannel(phone);
  assert.equal((await world.daemon.request(path)).body.note, 'newer');
});

// What strangers do to the public database, and that the registry's word stands all the same.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { onceHeard, request, waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const branch = async (doc, rev) => {
  const { status, body } = await world.stranger('/_bulk_docs', { method: 'POST', body: { new_edits: false, docs: [{ ...doc, _rev: rev }] } });
  return status === 201 ? body[0]?.error ?? 'taken' : status;
};
const REVS = [`99-${'a'.repeat(32)}`, `1-${'f'.repeat(32)}`, `1-${'0'.repeat(32)}`, '1-x\u0001\u001b[2J', `-2-${'a'.repeat(32)}`, `0-${'a'.repeat(32)}`];
const admin = (rest, options) => world.daemon.request(`/${world.daemon.names.handshake_db}${rest}`, options);

test('branches on a device before its mail: one registration, one mail', async () => {
  const device = world.device('branches@example.com');
  await device.register();
  for (const rev of REVS) await branch({ ...device.document(), name: 'not mine', locale: 'de' }, rev);
  await device.waitFor('confirming');
  await world.quiet();
  assert.equal(world.mail.to('branches@example.com').length, 1);
  assert.equal((await device.read()).state, 'confirming');
});

test('branches on a pending and on an active device change nothing for it', async () => {
  const device = await world.register(world.device('pending@example.com'));
  for (const rev of REVS) await branch(device.document(), rev);
  await world.activate(device);
  for (const rev of REVS) await branch({ ...device.document(), name: 'evil' }, rev.replace('f'.repeat(32), 'd'.repeat(32)));
  await world.quiet();
  assert.equal((await device.read()).state, 'active');
  assert.equal((await world.get(device, device.id)).name, 'a phone');
  assert.equal(world.mail.to('pending@example.com').length, 1);
});

test('only a first revision with a plain hash gets in', async () => {
  const device = await world.register(world.device('revs@example.com'));
  const outcomes = await Promise.all(REVS.map((rev) => branch(device.document(), rev)));
  assert.deepEqual(outcomes.map((outcome, at) => outcome === 'taken' && REVS[at]).filter(Boolean), [`1-${'f'.repeat(32)}`, `1-${'0'.repeat(32)}`]);
});

test('a document that an admin deleted or overwrote is put right, without mail', async () => {
  const device = await world.activate(world.device('restore@example.com'));
  const doc = await device.read();
  await admin(`/${device.id}?rev=${doc._rev}`, { method: 'DELETE' });
  const back = await device.waitFor('active');
  assert.equal(back.syncpoint, doc.syncpoint);
  // At most once a minute an id: the second repair waits.
  await admin(`/${device.id}`, { method: 'PUT', body: { ...back, state: 'confirming', device_code: 'AAAA-AAAA' } });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.equal((await device.read()).state, 'confirming');
  assert.equal(world.mail.to('restore@example.com').length, 1);
  assert.equal((await device.request(device.control)).status, 200, 'the log-in doesn\'t depend on it');
});

test('a known registration that a carrier brings once more is answered without a second mail', async () => {
  const device = await world.activate(world.device('carrier@example.com'));
  const { body: leaves } = await request(`${world.handshake}/${device.id}?open_revs=all`, { headers: { accept: 'application/json' } });
  await admin('/_purge', { method: 'POST', body: { [device.id]: leaves.map(({ ok }) => ok._rev) } });
  assert.equal(await device.read(), null);
  // The id proves owner and credential only: name and locale may be a stranger's.
  assert.equal((await device.register({ ...device.document(), name: 'another name' })).status, 201);
  const answered = await device.waitFor('active');
  assert.equal(answered.user, device.user);
  assert.equal((await world.get(device, device.id)).name, 'a phone');
  assert.equal(world.mail.to('carrier@example.com').length, 1);
});

test('a rejected registration that comes again stays rejected', async () => {
  const device = await world.register(world.device('rejected@example.com'));
  await world.confirm(world.confirmOf(device, 'not me'));
  const rejected = await device.waitFor('rejected');
  await admin('/_purge', { method: 'POST', body: { [device.id]: [rejected._rev] } });
  await device.register();
  await device.waitFor('rejected');
  assert.equal(world.mail.to('rejected@example.com').length, 1);
});

test('someone who signed up under a device\'s user name beforehand is overwritten whole', async () => {
  const device = await world.register(world.device('name@example.com'));
  const id = `org.couchdb.user:${device.username}`;
  const taken = await world.daemon.request(`/_users/${id}`, {
    method: 'PUT', body: { _id: id, name: device.username, type: 'user', roles: ['user:someone', 'x'], password: 'stranger' },
  });
  assert.equal(taken.status, 201);
  await world.activate(device);
  const { body } = await world.daemon.request(`/_users/${id}`);
  assert.deepEqual(body.roles, [`user:${device.user}`]);
  const old = await request(`${world.server.url}/_session`, { auth: { user: device.username, password: 'stranger' } });
  assert.equal(old.status, 401);
});

test('ids and fields of strangers are escaped in the log', async () => {
  const id = 'evil\n2026-01-01T00:00:00Z [info] forged\u001b[31m';
  await admin(`/${encodeURIComponent(id)}`, { method: 'PUT', body: { type: 'device', state: 'new', owner: 'x' } });
  await waitFor(async () => (await admin(`/${encodeURIComponent(id)}`)).body.state === 'error');
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(world.daemon.output, /^2026-01-01|\u001b/m);
});

test('the design document comes back when somebody deletes it, and holds', async () => {
  const { body: doc } = await admin('/_design/channels');
  await admin(`/_design/channels?rev=${doc._rev}`, { method: 'DELETE' });
  await waitFor(async () => (await admin('/_design/channels')).body.validate_doc_update === doc.validate_doc_update);
  let tries = 0;  // one that was let in before would be a conflict
  await onceHeard(403, () => world.stranger(`/junk-${++tries}`, { method: 'PUT', body: { any: 'thing' } }));
});

// Workflows that were cut off between two of their steps: the registry is put where the cut left it, and the next run
// has to come to the same end. And documents that are made to hold up others.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { NOT_ME } from '../lib/device.mjs';
import { waitFor } from '../lib/net.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const registry = (id) => `/${world.daemon.names.registry_db}/${id}`;
const handshake = (id) => `/${world.daemon.names.handshake_db}/${id}`;
const call = (path, options) => world.daemon.request(path, options);

async function change(path, edit) {
  const { body } = await call(path);
  const { status, text } = await call(path, { method: 'PUT', body: { ...body, ...edit } });
  assert.equal(status, 201, text);
}

async function remove(path) {
  const { body } = await call(path);
  assert.equal((await call(`${path}?rev=${body._rev}`, { method: 'DELETE' })).status, 200);
}

test('activation, cut off after the record: the control copy is made', async () => {
  const device = await world.activate(world.device('cut-activation@example.com'));
  await world.daemon.stop();
  const control = `/${device.control.split('/').pop()}/${device.id}`;
  const { body } = await call(control);
  await call(`${control.replace(device.id, '_purge')}`, { method: 'POST', body: { [device.id]: [body._rev] } });
  const { body: active } = await call(handshake(device.id));
  await call(handshake(device.id), { method: 'PUT', body: { _id: device.id, _rev: active._rev, type: 'device', state: 'confirmed' } });
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await device.waitFor('active');
  assert.equal((await world.get(device, device.id)).state, 'active');
});

test('revocation, cut off after the record: log-in, handshake and mail follow', async () => {
  const phone = await world.activate(world.device('cut-revoke@example.com'));
  const laptop = await world.activate(world.device('cut-revoke@example.com'));
  await world.daemon.stop();
  await change(registry(`device-${laptop.id}`), { state: 'revoked', wipe: false, tell: 'revoked' });
  await world.put(phone, { ...await world.get(phone, laptop.id), state: 'revoke' });
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await world.seen(phone, laptop.id, ({ state }) => state === 'revoked');
  await laptop.waitFor('revoked');
  assert.equal((await call(`/_users/org.couchdb.user:${laptop.username}`)).status, 404);
  await world.mail.next({ to: 'cut-revoke@example.com', subject: /signed out/ });
});

test('"not me" about an active device, said again: used, and all of it is done', async () => {
  const phone = await world.activate(world.device('cut-notme@example.com'));
  const thief = await world.activate(world.device('cut-notme@example.com'));
  const doc = world.confirmOf(thief, NOT_ME);
  assert.equal((await world.confirm(doc)).state, 'used');
  await thief.waitFor('revoked');
  await change(handshake(doc._id), { state: 'clicked', finished: undefined });
  await waitFor(async () => (await call(handshake(doc._id))).body.state !== 'clicked');
  assert.equal((await call(handshake(doc._id))).body.state, 'used');
  assert.equal((await world.get(phone, thief.id)).state, 'revoked');
});

test('a rename, cut off after the claim of the name: description and old name follow', async () => {
  const phone = await world.activate(world.device('cut-rename@example.com'));
  const channel = await world.makeChannel(phone, { name: 'Before' });
  for (const delay of [0, 10, 25, 40]) {
    const name = `After ${delay}`;
    // The daemon may write at the same moment.
    await waitFor(async () => (await world.put(phone, { ...await world.get(phone, channel._id), name })).status === 201);
    await new Promise((resolve) => setTimeout(resolve, delay));
    await world.daemon.kill();
    world.daemon.start();
    await world.daemon.waitUntilReady();
    await waitFor(async () => (await phone.request(`${channel.syncpoint}/description`)).body.name === name);
    await waitFor(async () => (await call(registry(`channel-${channel._id}`))).body.name === name);
  }
  assert.equal((await world.makeChannel(phone, { name: 'Before' })).state, 'ready', 'the first name is free');
});

test('documents that are nested beyond reason, or too large to be saved again, hold up no other', async () => {
  const phone = await world.activate(world.device('deep@example.com'));
  const control = phone.control.split('/').pop();
  const deep = `${'['.repeat(3000)}${']'.repeat(3000)}`;
  assert.equal((await phone.request(`${phone.control}/deep`, {
    method: 'PUT', body: `{"type":"note","state":"x","d":${deep}}`, headers: { 'content-type': 'application/json' },
  })).status, 403);
  // As an admin may, or an older design document did.
  const put = await call(`/${control}/deep`, {
    method: 'PUT', body: `{"type":"note","state":"x","d":${deep}}`, headers: { 'content-type': 'application/json' },
  });
  const large = { _id: newChannelId(), type: 'channel', state: 'new', note: 'x'.repeat(7999800) };
  const stored = await call(`/${control}/${large._id}`, { method: 'PUT', body: large });
  const channel = await world.makeChannel(phone, { name: 'next' });
  assert.equal(channel.state, 'ready', `deep: ${put.status}, large: ${stored.status}`);
});

test('a registration whose mail was lost with its worker is tried again while the mail server is away', async () => {
  const device = world.device('lost@example.com');
  let release;
  world.mail.hold = new Promise((resolve) => { release = resolve; });
  await device.register();
  await waitFor(async () => (await call(`/${world.daemon.names.registry_db}/_design/channels/_view/leases_by_taken`)).body.rows.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await world.daemon.kill();
  release();
  world.mail.hold = null;
  world.mail.reject = () => ({ code: 451, message: 'later' });
  world.daemon.start();
  await world.daemon.waitUntilReady();
  const said = () => world.daemon.output.slice(world.daemon.startOfOutput);
  // The lease of the lost worker has to run out first.
  await waitFor(() => said().includes(`at ${device.id}`) || said().includes(`parked ${device.id}`), { timeout: 60000 });
  world.mail.reject = null;
  await device.waitFor('confirming', { timeout: 60000 });
  assert.doesNotMatch(said(), /parked/);
});

// Which databases are the daemon's: by the registry's word, not by their names. And that they keep what it put there.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitFor } from '../lib/net.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world;
let alice;
before(async () => {
  world = await startWorld();
  alice = await world.activate(world.device('alice@example.com'));
});
after(() => world?.close());

const call = (path, options) => world.daemon.request(path, options);

test('a channel database\'s design document comes back when somebody deletes or changes it', async () => {
  const channel = await world.makeChannel(alice);
  const path = `/${channel.database}/_design/channels`;
  const { body: doc } = await call(path);
  assert.equal((await call(`${path}?rev=${doc._rev}`, { method: 'DELETE' })).status, 200);
  const back = await waitFor(async () => {
    const { status, body } = await call(path);
    return status === 200 && body;
  });
  assert.equal(back.validate_doc_update, doc.validate_doc_update);
  await call(path, { method: 'PUT', body: { ...back, validate_doc_update: 'function () {}' } });
  await waitFor(async () => (await call(path)).body.validate_doc_update === doc.validate_doc_update);
});

test('databases of others that happen to be named like ours are left alone', async () => {
  const { control_prefix: control, channel_prefix: channel } = world.daemon.names;
  const docs = [
    { _id: newChannelId(), type: 'channel', state: 'new', name: 'Mine' },
    { _id: 'a'.repeat(64), type: 'device', state: 'revoke' },
    { _id: 'x-sub-y', type: 'subscription', state: 'active', channel: 'x' },
  ];
  for (const name of [`${control}panel`, `${channel}five`]) {
    await call(`/${name}`, { method: 'PUT' });
    await call(`/${name}/_bulk_docs`, { method: 'POST', body: { docs } });
  }
  // Long enough for hint and sweep; something of ours that came later is done.
  await world.makeChannel(alice);
  await new Promise((resolve) => setTimeout(resolve, 7000));
  for (const name of [`${control}panel`, `${channel}five`]) {
    const { body } = await call(`/${name}/_all_docs`);
    assert.deepEqual(body.rows.map(({ id, value }) => `${id} ${value.rev.split('-')[0]}`), docs.map(({ _id }) => `${_id} 1`).sort(), name);
  }
  assert.equal((await call(`/${channel}${docs[0]._id}`)).status, 404);
});

test('an app\'s documents in a channel database are never read', async () => {
  const channel = await world.makeChannel(alice);
  for (let n = 0; n < 5; n += 1) await alice.request(`${channel.syncpoint}/note-${n}`, { method: 'PUT', body: { type: 'device', state: 'new' } });
  await world.makeChannel(alice);
  const { body } = await call(`/${channel.database}/_all_docs`);
  assert.ok(body.rows.filter(({ id }) => id.startsWith('note-')).every(({ value }) => value.rev.startsWith('1-')));
});

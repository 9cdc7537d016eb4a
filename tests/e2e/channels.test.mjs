// channel and subscription documents: what becomes of right and of wrong ones.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitFor } from '../lib/net.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world;
let alice;
let bob;
before(async () => {
  world = await startWorld();
  alice = await world.activate(world.device('alice@example.com'));
  bob = await world.activate(world.device('bob@example.com'));
});
after(() => world?.close());

function mustFail(doc, error) {
  assert.equal(doc.state, 'error', JSON.stringify(doc));
  assert.equal(doc.error.error, error);
  assert.match(doc.error.reason, /\w+ .+\.$/);
}

const exists = async (name) => (await world.daemon.request(`/${name}`)).status === 200;
const databaseOf = (id) => `${world.daemon.names.channel_prefix}${id}`;

test('the same name twice is an error that names the first channel', async () => {
  const first = await world.makeChannel(alice, { name: 'Vacation' });
  assert.equal(first.state, 'ready');
  const second = await world.makeChannel(alice, { name: 'Vacation' });
  mustFail(second, 'duplicate');
  assert.equal(second.channel, first._id);
  assert.equal(await exists(databaseOf(second._id)), false);
  assert.equal((await world.makeChannel(bob, { name: 'Vacation' })).state, 'ready', 'another user may use the name');
});

test('two channels of one name at the same moment: one is ready, the other names it', async () => {
  const ids = [newChannelId(), newChannelId()];
  const both = await Promise.all(ids.map((_id) => world.makeChannel(alice, { _id, name: 'Race' })));
  const ready = both.filter(({ state }) => state === 'ready');
  assert.equal(ready.length, 1, JSON.stringify(both));
  const other = both.find(({ state }) => state === 'error');
  mustFail(other, 'duplicate');
  assert.equal(other.channel, ready[0]._id);
});

test('a channel without a name, with a bad id, with another\'s owner', async () => {
  mustFail(await world.makeChannel(alice, { name: undefined }), 'no_name');
  mustFail(await world.makeChannel(alice, { name: '' }), 'no_name');
  mustFail(await world.makeChannel(alice, { name: ' \n\u200b ' }), 'no_name');
  for (const _id of ['short', 'UPPERCASE-0123456789', 'a'.repeat(65), 'dots.and.dots.and.dots'])
    mustFail(await world.makeChannel(alice, { _id }), 'bad_id');
  mustFail(await world.makeChannel(alice, { owner: 'bob@example.com' }), 'wrong_owner');
  const kate = await world.activate(world.device('kate@example.com'));
  mustFail(await world.makeChannel(kate, { owner: '\u212aate@example.com' }), 'wrong_owner');  // a Kelvin sign, which folds to k
  assert.equal((await world.makeChannel(alice, { owner: 'ALICE@Example.com' })).state, 'ready');
});

test('a choice that arrives long before its channel is kept for it', async () => {
  for (const choice of ['paused', 'stopped']) {
    const _id = newChannelId();
    const early = `${_id}-sub-${alice.user}`;
    assert.equal((await world.put(alice, { _id: early, type: 'subscription', state: choice, channel: _id })).status, 201);
    mustFail(await world.seen(alice, early, ({ state }) => state === 'error'), 'no_member');
    assert.equal((await world.makeChannel(alice, { _id })).state, 'ready');
    const subscription = await world.seen(alice, early, ({ state }) => state !== 'error');
    assert.equal(subscription.state, choice);
    assert.equal(subscription.error, undefined);
    assert.equal(subscription.before, undefined);
    assert.match(subscription.syncpoint, new RegExp(`-${_id}$`));
  }
});

test('another\'s channel id is an error, never an entrance', async () => {
  const hers = await world.makeChannel(alice);
  const his = await world.makeChannel(bob, { _id: hers._id });
  mustFail(his, 'id_taken');
  assert.equal((await bob.request(hers.syncpoint)).status, 403);
  // Nor is one that claims to be ready already.
  assert.equal((await world.put(bob, { ...hers, _rev: his._rev, state: 'ready' })).status, 403);
  const security = await world.daemon.request(`/${hers.database}/_security`);
  assert.deepEqual(security.body.members.roles, [`user:${alice.user}`]);
});

test('a database that is no channel\'s is never entered', async () => {
  const _id = newChannelId();
  await world.daemon.request(`/${databaseOf(_id)}`, { method: 'PUT' });
  await world.daemon.request(`/${databaseOf(_id)}/secret`, { method: 'PUT', body: { of: 'somebody else' } });
  mustFail(await world.makeChannel(alice, { _id }), 'database_exists');
  assert.equal((await alice.request(`${world.server.url}/${databaseOf(_id)}/secret`)).status, 403);
});

test('an error that its person mends is tried once more', async () => {
  const failed = await world.makeChannel(alice, { name: 'Race' });
  mustFail(failed, 'duplicate');
  const { error, channel, ...mended } = failed;
  assert.equal((await world.put(alice, { ...mended, name: 'Race no more', state: 'new' })).status, 201);
  await world.seen(alice, failed._id, ({ state }) => state === 'ready');
});

test('a new name of a ready channel reaches its description; a taken one is put back with the reason', async () => {
  const channel = await world.makeChannel(alice, { name: 'Old name' });
  assert.equal((await world.put(alice, { ...channel, name: 'New name' })).status, 201);
  await waitFor(async () => (await alice.request(`${channel.syncpoint}/description`)).body.name === 'New name');
  assert.equal((await world.makeChannel(alice, { name: 'Old name' })).state, 'ready', 'the old name is free again');
  const current = await world.get(alice, channel._id);
  await world.put(alice, { ...current, name: 'Old name' });
  const refused = await world.seen(alice, channel._id, ({ error }) => error);
  assert.equal(refused.name, 'New name');
  assert.equal(refused.state, 'ready');
  assert.match(refused.error.reason, /Old name/);
});

test('fields that the daemon owns come back, unknown ones stay', async () => {
  const channel = await world.makeChannel(alice, { color: 'green' });
  assert.equal(channel.color, 'green');
  assert.equal((await world.put(alice, { ...channel, syncpoint: 'https://evil.example/' })).status, 403);
  // As an admin, or by a replication that the validation cannot judge.
  const { body } = await world.daemon.request(`/${alice.control.split('/').pop()}/${channel._id}`, {
    method: 'PUT', body: { ...channel, syncpoint: 'https://evil.example/', color: 'blue' },
  });
  assert.ok(body.ok);
  const mended = await world.seen(alice, channel._id, ({ syncpoint }) => syncpoint === channel.syncpoint);
  assert.equal(mended.color, 'blue');
});

test('the owner\'s choice about a channel survives: paused stays paused', async () => {
  const _id = newChannelId();
  const subscription = { _id: `${_id}-sub-${alice.user}`, type: 'subscription', state: 'paused', channel: _id };
  assert.equal((await world.put(alice, { _id, type: 'channel', state: 'new', name: 'Made offline' })).status, 201);
  assert.equal((await world.put(alice, subscription)).status, 201);
  const channel = await world.seen(alice, _id, ({ state }) => state === 'ready');
  const mended = await world.seen(alice, subscription._id, ({ syncpoint }) => syncpoint === channel.syncpoint);
  assert.equal(mended.state, 'paused');
});

test('a subscription of a channel whose member one isn\'t is an error', async () => {
  const channel = await world.makeChannel(bob);
  const _id = `${channel._id}-sub-${alice.user}`;
  await world.put(alice, { _id, type: 'subscription', state: 'active', channel: channel._id, syncpoint: channel.syncpoint });
  mustFail(await world.seen(alice, _id, ({ state }) => state === 'error'), 'no_member');
  const foreign = `${channel._id}-sub-${bob.user}`;
  await world.put(alice, { _id: foreign, type: 'subscription', state: 'active', channel: channel._id });
  mustFail(await world.seen(alice, foreign, ({ state }) => state === 'error'), 'bad_id');
});

test('documents of apps in a control database are no business of the daemon', async () => {
  assert.equal((await world.put(alice, { _id: 'app-settings', type: 'settings', state: 'new', theme: 'dark' })).status, 201);
  await world.makeChannel(alice);
  const kept = await world.get(alice, 'app-settings');
  assert.equal(kept._rev.split('-')[0], '1');
});

test('a crash in the middle of making a channel is finished by the next run', async () => {
  for (const delay of [0, 20, 40, 60, 80, 120, 200]) {
    const _id = newChannelId();
    await world.put(alice, { _id, type: 'channel', state: 'new', name: `crash ${delay}` });
    await new Promise((resolve) => setTimeout(resolve, delay));
    await world.daemon.kill();
    world.daemon.start();
    await world.daemon.waitUntilReady();
    const channel = await world.seen(alice, _id, ({ state }) => state !== 'new', { timeout: 40000 });
    assert.equal(channel.state, 'ready', JSON.stringify(channel));
    assert.equal((await alice.request(`${channel.syncpoint}/description`)).body.name, `crash ${delay}`);
    assert.equal((await world.get(alice, `${_id}-sub-${alice.user}`)).state, 'active');
  }
});

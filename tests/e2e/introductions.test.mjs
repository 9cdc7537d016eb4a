// What members see of each other: user ids always; names and addresses once an owner says so, and no longer than he does.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { person } from '../lib/people.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world, alice, bob, carol;
before(async () => {
  world = await startWorld();
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => person(world, `${name}@example.com`)));
});
after(() => world?.close());

const done = (doc) => assert.equal(doc.state, 'done', JSON.stringify(doc));
const failed = (doc, error) => assert.equal(doc.error?.error, error, JSON.stringify(doc));

async function called(who, name) {
  const before = await who.get('profile');
  await who.put(before?._id ? { ...before, name } : { _id: 'profile', type: 'profile', state: 'new', name });
  return who.seen('profile', ({ state, named }) => state === 'error' || (state === 'ready' && named === name));
}

async function channelOf(...others) {
  const { _id: channel } = await world.makeChannel(alice.device);
  for (const who of others) await joins(who, channel);
  return channel;
}

async function joins(who, channel, access = 'writer') {
  assert.equal((await alice.invite(channel, who.address, access)).state, 'sent');
  await who.accept(channel);
}

/** What each of them is shown of all members: [[name, address]]; owners first, then by user id. */
const shown = (who, id, when) => who.seen(id, ({ members = [] }) => when(members.map(({ name, address }) => [name, address])));
const nobodyNamed = (members) => members.every(([name, address]) => name === undefined && address === undefined);
const contains = (name, address) => (members) => members.some((member) => member[0] === name && member[1] === address);

test('nobody is shown a name before an owner says so; then all are, and later names as well', async () => {
  assert.equal((await called(alice, 'Alice L.')).named, 'Alice L.');
  await called(bob, 'Bob');
  const channel = await channelOf(bob, carol);
  const copy = await carol.get(channel);
  assert.ok(nobodyNamed(copy.members.map(({ name, address }) => [name, address])), JSON.stringify(copy.members));
  assert.equal('shows' in copy, false);

  done(await alice.change('show', channel, { shows: 'names' }));
  for (const who of [alice, bob, carol]) {
    const { members, shows } = await shown(who, channel, contains('Alice L.', undefined));
    assert.equal(shows, 'names');
    assert.deepEqual(members.map(({ user, name }) => [user, name]).sort(),
      [[alice.user, 'Alice L.'], [bob.user, 'Bob'], [carol.user, undefined]].sort());
    assert.ok(members.every((member) => !('address' in member)), 'no address is asked for');
  }
  await called(bob, 'Robert');
  await shown(alice, channel, contains('Robert', undefined));
  await called(bob, '');
  await shown(alice, channel, (members) => members.filter(([name]) => name).length === 1);
});

test('addresses are shown where an owner says so, and go again', async () => {
  const channel = await channelOf(bob);
  done(await alice.change('show', channel, { shows: 'addresses' }));
  await shown(bob, channel, contains('Alice L.', 'alice@example.com'));
  await joins(carol, channel);
  await shown(bob, channel, contains(undefined, 'carol@example.com'));
  done(await alice.change('show', channel, { shows: 'nothing' }));
  for (const who of [alice, bob, carol]) await shown(who, channel, nobodyNamed);
});

test('who is out is shown nobody any longer, and the others not him', async () => {
  const channel = await channelOf(bob, carol);
  done(await alice.change('show', channel, { shows: 'addresses' }));
  await shown(carol, channel, contains(undefined, 'carol@example.com'));
  done(await alice.change('remove', channel, { user: carol.user }));
  const removed = await carol.settled(channel, ['removed']);
  assert.equal(JSON.stringify(removed).includes('@example.com'), false, JSON.stringify(removed));
  await shown(bob, channel, (members) => members.length === 2 && !contains(undefined, 'carol@example.com')(members));
});

test('an invitation says what the members of the channel see of whom it is to', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  done(await alice.change('show', channel, { shows: 'addresses' }));
  await alice.invite(channel, bob.address, 'reader');
  assert.equal((await bob.invitation(channel)).shows, 'addresses');
  const { _id: quiet } = await world.makeChannel(alice.device);
  await alice.invite(quiet, bob.address, 'reader');
  assert.equal('shows' in await bob.invitation(quiet), false);
});

test('a group shows its members as its owner says', async () => {
  const group = newChannelId();
  await alice.put({ _id: group, type: 'group', state: 'new', name: 'The team' });
  await alice.settled(group, ['ready']);
  await joins(bob, group);
  done(await alice.change('show', group, { shows: 'addresses' }));
  await shown(bob, group, contains('Alice L.', 'alice@example.com'));
  await called(alice, 'Alice Liddell');
  await shown(bob, group, contains('Alice Liddell', 'alice@example.com'));
  done(await alice.change('show', group, { shows: 'nothing' }));
  await shown(bob, group, nobodyNamed);
});

test('only an owner decides, and only about what there is', async () => {
  const channel = await channelOf(bob);
  failed(await bob.change('show', channel, { shows: 'addresses' }), 'no_owner');
  failed(await carol.change('show', channel, { shows: 'addresses' }), 'no_member');
  failed(await alice.change('show', channel, { shows: 'everything' }), 'bad_wish');
  failed(await alice.change('show', newChannelId(), { shows: 'names' }), 'no_member');
  assert.ok(nobodyNamed((await bob.get(channel)).members.map(({ name, address }) => [name, address])));
  await assert.rejects(bob.put({ ...await bob.get(channel), shows: 'addresses' }), /403/);
});

test('a name is one line of at most 100 characters, and there is one profile', async () => {
  const profile = await called(carol, 'Carol');
  await carol.put({ ...profile, name: 'Carol\u202e\nof  the Lake' });
  assert.equal((await carol.seen('profile', ({ named }) => named !== 'Carol')).name, 'Carol of the Lake');
  await carol.put({ ...await carol.get('profile'), name: 'x'.repeat(101) });
  failed(await carol.settled('profile', ['error']), 'bad_name');
  await carol.put({ ...await carol.get('profile'), state: 'new', name: 'Carol' });
  await carol.seen('profile', ({ state, named }) => state === 'ready' && named === 'Carol');
  await carol.put({ _id: 'other', type: 'profile', state: 'new', name: 'Caroline' });
  failed(await carol.settled('other', ['error']), 'bad_id');
});

test('names come at ten an hour: the next ones wait', async () => {
  const dave = await person(world, 'dave@example.com');
  for (let number = 1; number <= 10; number++) await called(dave, `Dave ${number}`);
  await dave.put({ ...await dave.get('profile'), name: 'Dave 11' });
  const registry = world.daemon.names.registry_db;
  await waitFor(async () => {
    const { body } = await world.daemon.request(`/${registry}/_all_docs?include_docs=true&startkey="revisit-"&endkey="revisit-~"`);
    return body.rows.some(({ doc }) => JSON.stringify(doc).includes(dave.user));
  }, { what: 'the wait for the next hour' });
  const { name, named } = await dave.get('profile');
  assert.deepEqual([name, named], ['Dave 11', 'Dave 10']);
  assert.equal((await world.daemon.request(`/${registry}/user-${dave.user}`)).body.name, 'Dave 10');
});

test('an old copy of a profile takes no newer name back', async () => {
  const first = await called(bob, 'Bob One');
  await called(bob, 'Bob Two');
  const current = await bob.get('profile');
  // As a device restored from a backup writes it on: an app's own member, the old name beside the old `named`.
  await bob.put({ ...current, name: first.name, named: first.named, photo: 'x' }).catch(() => {});
  const body = { new_edits: false, docs: [{ ...current, ...first, _rev: '9-00000000000000000000000000000001', photo: 'x' }] };
  await bob.device.request(`${bob.device.control}/_bulk_docs`, { method: 'POST', body });
  const put = await bob.seen('profile', ({ photo, name }) => photo === 'x' && name === 'Bob Two');
  assert.equal(put.named, 'Bob Two');
});

test('who is erased is in nobody\'s list any more, by name and address', async () => {
  const dora = await person(world, 'dora@example.com');
  await called(dora, 'Dora the Explorer');
  const channel = await channelOf(bob, dora);
  done(await alice.change('show', channel, { shows: 'addresses' }));
  await shown(bob, channel, contains('Dora the Explorer', 'dora@example.com'));
  const { code, stdout, stderr } = await operatorCall(world.daemon, 'erase', 'dora@example.com');
  assert.equal(code, 0, stderr || stdout);
  for (const who of [alice, bob]) {
    const { body } = await world.daemon.request(`/${world.daemon.names.control_prefix}${who.user}/_all_docs?include_docs=true&conflicts=true`);
    assert.equal(/dora/i.test(JSON.stringify(body.rows)), false);
  }
});

test('what an operator is told of a user\'s channels has those through groups', async () => {
  const group = newChannelId();
  await alice.put({ _id: group, type: 'group', state: 'new', name: 'The crew' });
  await alice.settled(group, ['ready']);
  const { _id: channel } = await world.makeChannel(alice.device);
  done(await alice.change('change', channel, { group, access: 'writer' }));
  await joins(bob, group, 'reader');
  await bob.settled(channel, ['ready']);
  const channels = JSON.parse((await operatorCall(world.daemon, 'channels', bob.address, '--json')).stdout).channels;
  const { access, groups } = channels.find(({ id }) => id === channel);
  assert.deepEqual({ access, groups }, { access: 'reader', groups: [group] });
  const printed = (await operatorCall(world.daemon, 'channels', bob.address)).stdout;
  assert.match(printed, new RegExp(`${channel}.*reader.*group ${group}`));
  await waitFor(async () => (await bob.get(`${channel}-sub-${bob.user}`))?.state === 'active', { what: 'the subscription' });
  const { stdout } = await operatorCall(world.daemon, 'why', bob.device.id, channel);
  assert.doesNotMatch(stdout, /_security|not open|no access/i, stdout);
});

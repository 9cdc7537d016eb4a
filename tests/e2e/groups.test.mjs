// Groups: people who have many channels together, and come into all of them, and out, at once.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { newCredential } from '../lib/device.mjs';
import { request, waitFor } from '../lib/net.mjs';
import { person, security } from '../lib/people.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world, alice, bob, carol, dave;
before(async () => {
  world = await startWorld({ proxied: true });
  [alice, bob, carol, dave] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => person(world, `${name}@example.com`)));
});
after(() => world?.close());

const failed = (doc, error) => assert.equal(doc.error?.error, error, JSON.stringify(doc));
const done = (doc) => assert.equal(doc.state, 'done', JSON.stringify(doc));
const write = async (who, channel) => (await who.ask(channel, `/note-${randomBytes(4).toString('hex')}`, { method: 'PUT', body: {} })).status;
const read = async (who, channel) => (await who.ask(channel, '/_all_docs')).status;

/** CouchDB keeps what it knows of a user for up to a second. */
const may = (who, channel, wanted) => waitFor(async () => {
  assert.deepEqual([await read(who, channel), await write(who, channel)], wanted);
  return true;
}, { timeout: 20000, what: `${who.address}: ${wanted}` }).catch((error) => { throw new Error(`${error.message}: ${error.cause?.message}`); });

async function newGroup(who = alice, more = {}) {
  const doc = { _id: newChannelId(), type: 'group', state: 'new', name: 'The team', ...more };
  await who.put(doc);
  return who.settled(doc._id, ['ready', 'error']);
}

/** A group of Alice's that has `count` channels of hers, and the others in it: [[person, access]]. */
async function team(others = [], { count = 2, access = 'writer' } = {}) {
  const group = (await newGroup())._id;
  const channels = [];
  for (let i = 0; i < count; i++) {
    channels.push((await world.makeChannel(alice.device))._id);
    done(await alice.change('change', channels[i], { group, access }));
  }
  for (const [who, its] of others) await comesIn(who, group, its);
  return { group, channels };
}

async function comesIn(who, group, access) {
  const sent = await alice.invite(group, who.address, access);
  assert.equal(sent.state, 'sent', JSON.stringify(sent.error));
  await who.accept(group);
}

test('a group is made, and who comes in has its channels; no _security changes by that', async () => {
  const made = await newGroup();
  assert.deepEqual({ state: made.state, access: made.access, members: made.members, named: made.named },
    { state: 'ready', access: 'owner', members: [{ user: alice.user, access: 'owner' }], named: 'The team' });
  const { group, channels } = await team([[bob, 'writer']]);
  for (const channel of channels) {
    const copy = await bob.settled(channel, ['ready']);
    assert.equal(copy.access, 'writer');
    assert.deepEqual(copy.groups, [{ group, access: 'writer' }]);
    await bob.settled(`${channel}-sub-${bob.user}`, ['active']);
    await may(bob, channel, [200, 201]);
  }
  const before = await Promise.all(channels.map((channel) => security(world, channel)));
  assert.deepEqual(before[0].members.roles.filter((role) => role.startsWith('user:')), [alice.role]);
  await comesIn(carol, group, 'reader');
  for (const channel of channels) {
    assert.equal((await carol.settled(channel, ['ready'])).access, 'reader');
    await may(carol, channel, [200, 403]);
    assert.equal(await read(dave, channel), 403);
  }
  assert.deepEqual(await Promise.all(channels.map((channel) => security(world, channel))), before);
  assert.deepEqual((await bob.get(group)).members.map(({ access }) => access), ['owner', 'writer', 'reader']);
});

test('who is in the channel by himself is shown the group, by name as far as an owner shows names; its people come and go without him', async () => {
  const { group, channels: [channel] } = await team([], { count: 1 });
  await alice.invite(channel, dave.address, 'reader');
  await dave.accept(channel);
  assert.deepEqual((await dave.get(channel)).groups, [{ group, access: 'writer' }]);
  done(await alice.change('show', channel, { shows: 'names' }));
  const before = await dave.seen(channel, ({ groups }) => groups[0].name === 'The team');
  await comesIn(bob, group, 'reader');
  await bob.settled(channel, ['ready']);
  const after = await dave.get(channel);
  assert.equal(after._rev, before._rev, 'who comes into a group is written into no other member\'s copies of its channels');
  assert.equal(after.member_count, 2);
  assert.deepEqual((({ members, member_count }) => [members.map(({ user, access }) => [user, access]), member_count])(await alice.seen(group, ({ members }) => members.length === 2)),
    [[[alice.user, 'owner'], [bob.user, 'reader']], 2]);
  await alice.put({ ...await alice.get(group), name: 'The crew' });
  await dave.seen(channel, ({ groups }) => groups[0].name === 'The crew');
  done(await alice.change('show', channel, { shows: 'nothing' }));
  await dave.seen(channel, ({ groups }) => groups[0].name === undefined);
});

test('a device that is confirmed later gets in, and so does one with another secret', async () => {
  const { group, channels: [channel] } = await team([[bob, 'writer']], { count: 1 });
  const second = await world.activate(world.device(bob.address, { name: 'a tablet' }));
  assert.equal((await second.request(`${world.server.url}/${world.daemon.names.channel_prefix}${channel}`)).status, 200);
  const credential = newCredential();
  const rotation = { _id: `rotate-${second.id}-1`, type: 'rotate', state: 'new', credential: credential.verifier };
  assert.equal((await request(`${world.handshake}/${rotation._id}`, { method: 'PUT', auth: { user: second.username, password: second.secret }, body: rotation })).status, 201);
  await waitFor(async () => (await request(`${world.handshake}/${rotation._id}`)).body.state === 'done', { what: 'the rotation' });
  second.secret = credential.secret;
  assert.equal((await second.request(`${world.server.url}/${world.daemon.names.channel_prefix}${channel}`)).status, 200);
  const { body } = await world.daemon.request(`/_users/org.couchdb.user:${second.username}`);
  assert.ok(body.roles.includes(`group:${group}`), JSON.stringify(body.roles));
});

test('who is put out of the group is out of its channels at once, but for those that are his own way in', async () => {
  const { group, channels: [first, second] } = await team([[bob, 'writer'], [carol, 'writer']]);
  await alice.invite(first, bob.address, 'reader');
  await bob.accept(first);
  assert.equal((await bob.get(first)).access, 'writer', 'the most that he may');
  await may(bob, first, [200, 201]);
  done(await alice.change('remove', group, { user: bob.user }));
  await bob.settled(group, ['removed']);
  assert.equal((await bob.seen(first, ({ access }) => access === 'reader')).state, 'ready');
  await may(bob, first, [200, 403]);
  await bob.settled(second, ['removed']);
  failed(await bob.settled(`${second}-sub-${bob.user}`, ['error']), 'no_member');
  await may(bob, second, [403, 403]);
  assert.equal(await write(carol, second), 201, 'the others stay');
  // What his device makes of its copies gets him nothing.
  await bob.put({ ...await bob.get(second), app_note: 'mine' });
  await comesIn(bob, group, 'reader');
  assert.equal((await bob.settled(second, ['ready'])).access, 'reader');
});

test('a run that read the roles before somebody was put out, and writes them after, gives him nothing back', async () => {
  const { group, channels: [channel] } = await team([[bob, 'writer']], { count: 1 });
  let release;
  const held = new Promise((resolve) => {
    world.proxy.holds = ({ url }) => {
      if (!url.includes('devices_by_user')) return undefined;
      world.proxy.holds = null;
      resolve();
      return new Promise((go) => { release = go; });
    };
  });
  const own = newGroup(bob);
  await held;  // it has his roles, and looks for his devices
  done(await alice.change('remove', group, { user: bob.user }));
  await bob.settled(channel, ['removed']);
  release();
  assert.equal((await own).state, 'ready');
  await may(bob, channel, [403, 403]);
  const { body } = await world.daemon.request(`/_users/org.couchdb.user:${bob.device.username}`);
  assert.ok(!body.roles.includes(`group:${group}`), JSON.stringify(body.roles));
});

test('a wish to wipe reaches the channels of a group, and an older one has passed', async () => {
  const { group, channels: [first, second] } = await team([[bob, 'writer'], [carol, 'writer']]);
  done(await alice.change('remove', group, { user: bob.user, wipe: true }));
  for (const id of [first, second, group]) {
    const { wipe, left } = await bob.settled(id, ['removed']);
    assert.deepEqual({ wipe, left }, { wipe: true, left: false });
  }
  await comesIn(bob, group, 'writer');
  await bob.settled(second, ['ready']);
  done(await bob.change('leave', group));
  for (const id of [first, second, group]) {
    const { wipe, left } = await bob.settled(id, ['removed']);
    assert.deepEqual({ wipe, left }, { wipe: false, left: true });
  }
  done(await alice.change('remove', second, { group, wipe: true }));
  assert.equal((await carol.settled(second, ['removed'])).wipe, true);
});

test('who was put out of a group comes back by no link from before, to it or to its channels', async () => {
  const { group, channels: [channel] } = await team([[bob, 'reader']], { count: 1 });
  const code = randomBytes(16).toString('hex');
  const link = { _id: `link-${code}`, type: 'link', state: 'new', channel, code, access: 'writer' };
  await alice.put(link);
  await alice.settled(link._id, ['open']);
  done(await alice.change('remove', group, { user: bob.user }));
  await bob.put({ _id: `join-${code}`, type: 'join', state: 'new', channel, code });
  failed(await bob.settled(`join-${code}`, ['joined', 'error']), 'no_member');
  await may(bob, channel, [403, 403]);
});

test('a channel is given to a group later, to read only, and taken away again', async () => {
  const { group } = await team([[bob, 'writer']], { count: 0 });
  const channel = (await world.makeChannel(alice.device))._id;
  done(await alice.change('change', channel, { group, access: 'reader' }));
  assert.equal((await bob.settled(channel, ['ready'])).access, 'reader');
  await may(bob, channel, [200, 403]);
  done(await alice.change('change', channel, { group, access: 'writer' }));
  await bob.seen(channel, ({ access }) => access === 'writer');
  await may(bob, channel, [200, 201]);
  done(await alice.change('remove', channel, { group }));
  await bob.settled(channel, ['removed']);
  await may(bob, channel, [403, 403]);
  assert.equal((await alice.get(channel)).state, 'ready');
});

test('leave, hand over, another access; one owner stays', async () => {
  const { group, channels: [channel] } = await team([[bob, 'writer'], [carol, 'reader']], { count: 1 });
  failed(await alice.change('leave', group), 'last_owner');
  done(await alice.change('change', group, { user: carol.user, access: 'writer' }));
  await carol.seen(channel, ({ access }) => access === 'writer');
  await may(carol, channel, [200, 201]);
  done(await carol.change('leave', group));
  await carol.settled(channel, ['removed']);
  await may(carol, channel, [403, 403]);
  done(await alice.change('hand over', group, { user: bob.user, access: 'reader' }));
  assert.equal((await bob.seen(group, ({ access }) => access === 'owner')).members.length, 2);
  failed(await alice.change('remove', group, { user: bob.user }), 'no_owner');
  assert.equal(await write(alice, channel), 201, 'the channel is hers as before');
});

test('a link leads into a group, too', async () => {
  const { group, channels: [channel] } = await team([], { count: 1 });
  const code = randomBytes(16).toString('hex');
  await alice.put({ _id: 'link-into-group', type: 'link', state: 'new', channel: group, code, access: 'reader' });
  await alice.settled('link-into-group', ['open']);
  await dave.put({ _id: 'join-group', type: 'join', state: 'new', channel: group, code });
  await dave.settled('join-group', ['joined']);
  assert.equal((await dave.settled(channel, ['ready'])).access, 'reader');
  await may(dave, channel, [200, 403]);
});

test('an owner gives the group another name; a member\'s is put right', async () => {
  const { group } = await team([[bob, 'writer']], { count: 0 });
  await alice.put({ ...await alice.get(group), name: 'The crew' });
  const told = await bob.seen(group, ({ name }) => name === 'The crew');
  await bob.put({ ...told, name: 'Mine' });
  await bob.seen(group, ({ name, _rev }) => name === 'The crew' && _rev !== told._rev);
  assert.equal((await alice.get(group)).name, 'The crew');
});

test('what is wrong is told, and gets nobody in', async () => {
  const { group, channels: [channel] } = await team([[bob, 'writer']], { count: 1 });
  failed(await newGroup(alice, { _id: 'short' }), 'bad_id');
  failed(await newGroup(alice, { name: ' ' }), 'no_name');
  failed(await newGroup(carol, { _id: channel }), 'id_taken');
  failed(await newGroup(carol, { _id: group }), 'id_taken');
  // The group's id is no channel's, whoever tries.
  await carol.put({ _id: group, _rev: (await carol.get(group))._rev, type: 'group', state: 'new', name: 'Trap' });
  failed(await carol.settled(group, ['error']), 'id_taken');
  await dave.put({ _id: group, type: 'channel', state: 'new', name: 'Trap' });
  failed(await dave.settled(group, ['error']), 'id_taken');
  const own = (await world.makeChannel(bob.device))._id;
  failed(await bob.change('change', own, { group, access: 'writer' }), 'no_owner');
  failed(await dave.change('change', own, { group, access: 'writer' }), 'no_member');
  failed(await bob.change('change', channel, { group: newChannelId(), access: 'writer' }), 'no_member');
  failed(await alice.change('change', channel, { group, access: 'owner' }), 'bad_access');
  failed(await alice.change('leave', channel, { group }), 'bad_wish');
  failed(await bob.change('remove', channel, { group }), 'no_owner');
  failed(await bob.invite(group, 'eve@example.com'), 'no_owner');
  await dave.put({ _id: `${group}-sub-${dave.user}`, type: 'subscription', state: 'active', channel: group });
  failed(await dave.settled(`${group}-sub-${dave.user}`, ['error']), 'no_member');
});

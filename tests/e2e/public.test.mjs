// Public channels: in the directory, readable by every device of the server, and on the devices of who follows them.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request, waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { channelUrl, person } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

let world, directory, alice, bob, carol, stranger;
before(async () => {
  const directory_db = `d${randomBytes(4).toString('hex')}-directory`;
  world = await startWorld({ channels: { directory_db } });
  directory = `${world.server.url}/${directory_db}`;
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => person(world, `${name}@example.com`)));
  stranger = { request: (url, options) => request(url, options) };
});
after(async () => {
  await world?.daemon.request(new URL(directory).pathname, { method: 'DELETE' });
  await world?.close();
});

const failed = (doc, error) => assert.equal(doc.error?.error, error, JSON.stringify(doc));
const done = (doc) => assert.equal(doc.state, 'done', JSON.stringify(doc));
const statusOf = async (who, url, options) => (await who.request(url, options)).status;
const readsAs = async (who, channel) => statusOf(who, `${channelUrl(world, channel)}/_all_docs`);
const listings = async (who = bob.device) => (await who.request(`${directory}/_all_docs?include_docs=true`)).body.rows.map(({ doc }) => doc).filter(({ type }) => type === 'listing');

async function join(who, channel, more = {}) {
  const doc = { _id: `join-${randomBytes(8).toString('hex')}`, type: 'join', state: 'new', channel, ...more };
  await who.put(doc);
  return who.settled(doc._id, ['joined', 'error']);
}

async function published(more = {}) {
  const channel = (await world.makeChannel(alice.device, more))._id;
  done(await alice.change('publish', channel));
  return channel;
}

test('an owner publishes a channel: it is listed, all devices read it, nobody else does, and only members write', async () => {
  const channel = (await world.makeChannel(alice.device, { name: 'The news' }))._id;
  assert.equal(await readsAs(bob.device, channel), 403);
  assert.deepEqual(await listings(), []);
  done(await alice.change('publish', channel));
  assert.deepEqual((await listings()).map(({ _id, name, state, syncpoint }) => [_id, name, state, syncpoint]), [[channel, 'The news', 'public', `${channelUrl(world, channel)}`]]);
  assert.equal((await alice.seen(channel, (doc) => doc.public)).access, 'owner');
  assert.equal(await readsAs(bob.device, channel), 200);
  assert.equal(await statusOf(bob.device, `${channelUrl(world, channel)}/mine`, { method: 'PUT', body: {} }), 403);
  assert.equal((await alice.ask(channel, '/hers', { method: 'PUT', body: {} })).status, 201);
  for (const url of [`${channelUrl(world, channel)}/_all_docs`, `${directory}/_all_docs`]) assert.equal(await statusOf(stranger, url), 401);
  assert.equal(await statusOf(bob.device, `${directory}/mine`, { method: 'PUT', body: { type: 'listing' } }), 403);
});

test('who follows it has it on his devices, and learns nothing of the members', async () => {
  const channel = await published({ name: 'Weather' });
  assert.equal((await join(bob, channel)).state, 'joined');
  const copy = await bob.settled(channel, ['ready']);
  assert.deepEqual({ access: copy.access, public: copy.public, members: copy.members, name: copy.name }, { access: 'reader', public: true, members: undefined, name: 'Weather' });
  await bob.settled(`${channel}-sub-${bob.user}`, ['active']);
  assert.deepEqual((await alice.get(channel)).members.map(({ user }) => user), [alice.user], 'no member came in');
  // What he makes of his copy gets him nothing more.
  await bob.put({ ...copy, app_note: 'mine' });
  assert.equal((await bob.seen(channel, ({ app_note }) => app_note === 'mine')).access, 'reader');
  done(await bob.change('leave', channel));
  await bob.settled(channel, ['removed']);
  failed(await bob.settled(`${channel}-sub-${bob.user}`, ['error']), 'no_member');
  assert.equal((await join(bob, channel)).state, 'joined');
  await bob.settled(channel, ['ready']);
  const told = await waitFor(async () => {
    const { entries } = JSON.parse((await operatorCall(world.daemon, 'audit', '--channel', channel, '--json')).stdout);
    const his = entries.filter(({ what }) => what.endsWith('followed'));
    return his.length === 3 && his;
  }, { what: 'the audit' });
  assert.deepEqual(told.map(({ what, by, user }) => [what, by, user]),
    ['channel followed', 'channel unfollowed', 'channel followed'].map((what) => [what, bob.user, bob.user]));
});

test('another name reaches the directory and the followers', async () => {
  const channel = await published({ name: 'Before' });
  await join(bob, channel);
  await bob.settled(channel, ['ready']);
  await alice.put({ ...await alice.get(channel), name: 'After' });
  await bob.seen(channel, ({ name }) => name === 'After');
  await waitFor(async () => (await listings()).some(({ _id, name }) => _id === channel && name === 'After'), { what: 'the listing' });
});

test('a follower who is invited to write is a member like others', async () => {
  const channel = await published();
  await join(bob, channel);
  await alice.invite(channel, bob.address, 'writer');
  await bob.accept(channel);
  assert.equal((await bob.seen(channel, ({ access }) => access === 'writer')).members.length, 2);
  assert.equal((await bob.ask(channel, '/his', { method: 'PUT', body: {} })).status, 201);
  done(await alice.change('remove', channel, { user: bob.user }));
  assert.equal((await bob.seen(channel, ({ access }) => access === 'reader')).members, undefined, 'he follows it as before');
});

test('unpublished, it is the members\' alone again, and who followed it is told', async () => {
  const channel = await published();
  await join(bob, channel);
  await bob.settled(channel, ['ready']);
  done(await alice.change('unpublish', channel));
  await bob.settled(channel, ['removed']);
  await bob.settled(`${channel}-sub-${bob.user}`, ['error']);
  assert.equal(await readsAs(bob.device, channel), 403);
  assert.equal((await listings()).some(({ _id }) => _id === channel), false);
  assert.equal((await alice.get(channel)).public, undefined);
  failed(await join(carol, channel), 'unknown_link');
  await bob.put({ ...await bob.get(channel), app_note: 'still here' });
  assert.equal((await bob.seen(channel, ({ app_note }) => app_note === 'still here')).state, 'removed');
});

test('only owners publish, and nothing that isn\'t public is followed', async () => {
  const channel = (await world.makeChannel(alice.device))._id;
  failed(await bob.change('publish', channel), 'no_member');
  failed(await join(bob, channel), 'unknown_link');
  await alice.invite(channel, bob.address, 'writer');
  await bob.accept(channel);
  failed(await bob.change('publish', channel), 'no_owner');
  const group = `team-${randomBytes(8).toString('hex')}`;
  await alice.put({ _id: group, type: 'group', state: 'new', name: 'Team' });
  await alice.settled(group, ['ready']);
  failed(await alice.change('publish', group), 'bad_wish');
  assert.equal(await readsAs(carol.device, channel), 403);
});

test('without a directory nothing can be published', async () => {
  const other = await startWorld();
  try {
    const dave = await person(other, 'dave@example.com');
    const channel = (await other.makeChannel(dave.device))._id;
    failed(await dave.change('publish', channel), 'no_directory');
    const { body } = await other.daemon.request(`/_users/org.couchdb.user:${dave.device.username}`);
    assert.deepEqual(body.roles, [dave.role]);
  } finally {
    await other.close();
  }
});

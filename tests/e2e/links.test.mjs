// Channels for whoever has a link: how many come in, until when, and who doesn't.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { waitFor } from '../lib/net.mjs';
import { person, security } from '../lib/people.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world, alice, bob, carol, dave;
before(async () => {
  world = await startWorld();
  [alice, bob, carol, dave] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => person(world, `${name}@example.com`)));
});
after(() => world?.close());

const newCode = () => randomBytes(16).toString('hex');
const failed = (doc, error) => assert.equal(doc.error?.error, error, JSON.stringify(doc));

/** A link document of `who`, once it is open or refused. */
async function link(who, channel, more = {}) {
  const doc = { _id: `link-${randomBytes(8).toString('hex')}`, type: 'link', state: 'new', channel, code: newCode(), access: 'writer', ...more };
  await who.put(doc);
  return who.settled(doc._id, ['open', 'error']);
}

/** A join document of `who`, once it is settled. */
async function join(who, channel, code) {
  const doc = { _id: `join-${randomBytes(8).toString('hex')}`, type: 'join', state: 'new', channel, code };
  await who.put(doc);
  return who.settled(doc._id, ['joined', 'error']);
}

async function open(more) {
  const channel = (await world.makeChannel(alice.device))._id;
  return { channel, made: await link(alice, channel, more) };
}

test('who has the link comes in with its access, and his devices have the channel', async () => {
  const { channel, made } = await open({ access: 'reader' });
  assert.equal(made.state, 'open', JSON.stringify(made));
  assert.equal(made.uses, 10);
  assert.ok(Math.abs(Date.parse(made.expires) - Date.now() - 7 * 86400000) < 600000, made.expires);
  const done = await join(bob, channel, made.code);
  assert.equal(done.state, 'joined', JSON.stringify(done));
  assert.equal(done.code, undefined, 'his devices need it no more');
  const copy = await bob.settled(channel, ['ready']);
  assert.equal(copy.access, 'reader');
  assert.equal((await bob.settled(`${channel}-sub-${bob.user}`, ['active'])).channel, channel);
  assert.equal((await bob.ask(channel)).status, 200);
  assert.equal((await bob.ask(channel, '/mine', { method: 'PUT', body: {} })).status, 403);
  assert.deepEqual((await security(world, channel)).channels, { owners: [alice.role], readers: [bob.role] });
  assert.deepEqual((await alice.seen(channel, ({ members }) => members?.length === 2)).members.map(({ access }) => access), ['owner', 'reader']);
});

test('the last use ends it; a member takes none', async () => {
  const { channel, made } = await open({ uses: 2 });
  assert.equal((await join(alice, channel, made.code)).state, 'joined');
  assert.equal((await alice.get(channel)).access, 'owner');
  assert.equal((await join(bob, channel, made.code)).state, 'joined');
  assert.equal((await join(bob, channel, made.code)).state, 'joined');
  assert.equal((await alice.get(made._id)).state, 'open');
  assert.equal((await join(carol, channel, made.code)).state, 'joined');
  await alice.settled(made._id, ['used']);
  failed(await join(dave, channel, made.code), 'link_ended');
  assert.equal((await dave.ask(channel)).status, 403);
});

test('of two who want the last use at once one comes in', async () => {
  const { channel, made } = await open({ uses: 1 });
  const all = await Promise.all([bob, carol, dave].map((who) => join(who, channel, made.code)));
  assert.deepEqual(all.map(({ state }) => state).sort(), ['error', 'error', 'joined']);
  await waitFor(async () => (await alice.get(channel)).members.length === 2, { what: 'the member' });
  assert.equal((await security(world, channel)).members.roles.filter((role) => role.startsWith('user:')).length, 2);
});

test('closed before the server knew of it, it never opens', async () => {
  const { channel } = await open();
  const made = { _id: `link-${newCode()}`, type: 'link', channel, code: newCode(), access: 'writer' };
  // As replication brings what was made and closed on a device that was offline.
  const history = { _rev: `2-${'b'.repeat(32)}`, _revisions: { start: 2, ids: ['b'.repeat(32), 'a'.repeat(32)] } };
  await alice.device.request(`${alice.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [{ ...made, ...history, state: 'close' }] } });
  assert.equal((await alice.settled(made._id, ['closed', 'error'])).state, 'closed');
  failed(await join(bob, channel, made.code), 'unknown_link');
});

test('closed, expired, or of one who owns the channel no more: nobody comes in', async () => {
  const { channel, made } = await open();
  assert.equal((await alice.say(await alice.get(made._id), 'close', ['closed'])).state, 'closed');
  failed(await join(bob, channel, made.code), 'link_ended');

  const second = await link(alice, channel);
  const records = (await world.daemon.request(`/${world.daemon.names.registry_db}/_all_docs?include_docs=true&startkey="link-"&endkey="link-g"`)).body.rows.map(({ doc }) => doc);
  const record = records.find(({ document }) => document === second._id);
  assert.ok(!JSON.stringify(records).includes(second.code), 'the registry has no code');
  const past = await world.daemon.request(`/${world.daemon.names.registry_db}/${record._id}`, { method: 'PUT', body: { ...record, expires: '2020-01-01T00:00:00Z' } });
  assert.equal(past.status, 201, past.text);
  failed(await join(bob, channel, second.code), 'link_ended');
  await alice.settled(second._id, ['expired']);

  const third = await link(alice, channel);
  await alice.invite(channel, bob.address, 'owner');
  await bob.accept(channel);
  assert.equal((await bob.change('change', channel, { user: alice.user, access: 'writer' })).state, 'done');
  failed(await join(carol, channel, third.code), 'link_ended');
  assert.equal((await carol.ask(channel)).status, 403);
  // Times are whole seconds: of one made an owner in the second of his link nobody knows which came first.
  const second_of = () => Math.floor(Date.now() / 1000);
  const demoted = second_of();
  await waitFor(() => second_of() > demoted + 1, { what: 'the next second' });
  assert.equal((await bob.change('change', channel, { user: alice.user, access: 'owner' })).state, 'done');
  failed(await join(carol, channel, third.code), 'link_ended');
  assert.equal((await join(carol, channel, (await link(alice, channel)).code)).state, 'joined', 'a new one of hers counts');
});

test('who was put out does not come back by a link from before; who left does, for a use', async () => {
  const { channel, made } = await open({ uses: 3 });
  assert.equal((await join(bob, channel, made.code)).state, 'joined');
  assert.equal((await alice.change('remove', channel, { user: bob.user })).state, 'done');
  failed(await join(bob, channel, made.code), 'no_member');
  assert.equal((await bob.ask(channel)).status, 403);
  assert.equal((await join(carol, channel, made.code)).state, 'joined');
  assert.equal((await carol.change('leave', channel)).state, 'done');
  assert.equal((await join(carol, channel, made.code)).state, 'joined');
  assert.equal((await carol.ask(channel)).status, 200);
  await alice.settled(made._id, ['used']);
});

test('who left can still be put out, and comes back by no link then', async () => {
  const { channel, made } = await open();
  assert.equal((await join(bob, channel, made.code)).state, 'joined');
  assert.equal((await bob.change('leave', channel)).state, 'done');
  assert.equal((await alice.change('remove', channel, { user: bob.user })).state, 'done');
  failed(await join(bob, channel, made.code), 'no_member');
});

test('what is wrong is told: who owns nothing, a weak code, another\'s code, limits, a guess', async () => {
  const { channel, made } = await open();
  failed(await link(bob, channel), 'no_owner');
  failed(await link(bob, newChannelId()), 'no_owner');
  failed(await link(alice, channel, { code: '1234' }), 'bad_code');
  failed(await link(alice, channel, { code: undefined }), 'bad_code');
  failed(await link(alice, channel, { access: 'owner' }), 'bad_access');
  for (const limits of [{ uses: 0 }, { uses: 1001 }, { days: 366 }, { uses: 'many' }, { days: 1.5 }]) failed(await link(alice, channel, limits), 'bad_limits');
  failed(await link(alice, channel, { code: made.code }), 'code_taken');
  failed(await join(bob, channel, newCode()), 'unknown_link');
  failed(await join(bob, channel, ''), 'unknown_link');
  // Bob saw the code, and makes a link of his own with it: it leads into Alice's channel as before.
  const own = (await world.makeChannel(bob.device))._id;
  assert.equal((await link(bob, own, { code: made.code })).state, 'open');
  assert.equal((await join(carol, channel, made.code)).channel, channel);
  assert.equal((await carol.ask(own)).status, 403);
});

test('what a device makes of a link by replication changes nothing about it', async () => {
  const { channel, made } = await open({ access: 'reader', uses: 1 });
  const forged = { ...made, access: 'owner', uses: 1000, state: 'open', _rev: undefined };
  const branch = { ...forged, _id: made._id, _revisions: { start: 9, ids: ['f'.repeat(32), 'e'.repeat(32)] } };
  const { status } = await alice.device.request(`${alice.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [{ ...branch, _rev: `9-${'f'.repeat(32)}` }] } });
  assert.equal(status, 201);
  await alice.seen(made._id, ({ access, uses }) => access === 'reader' && uses === 1);
  assert.equal((await join(bob, channel, made.code)).state, 'joined');
  assert.equal((await bob.settled(channel, ['ready'])).access, 'reader');
  await alice.settled(made._id, ['used']);
});

test('an open link is not deleted, one that is over is; and a link is closed by its maker only', async () => {
  const { made } = await open();
  const { _rev } = await alice.get(made._id);
  assert.equal((await alice.device.request(`${alice.device.control}/${made._id}?rev=${_rev}`, { method: 'DELETE' })).status, 403);
  assert.equal((await world.put(alice.device, { ...await alice.get(made._id), access: 'reader' })).status, 403);
  await bob.put({ ...made, _rev: undefined, state: 'new' });
  failed(await bob.settled(made._id, ['error']), 'no_owner');
  assert.equal((await alice.get(made._id)).state, 'open');
  const closed = await alice.say(await alice.get(made._id), 'close', ['closed']);
  assert.equal((await alice.device.request(`${alice.device.control}/${made._id}?rev=${closed._rev}`, { method: 'DELETE' })).status, 200);
});


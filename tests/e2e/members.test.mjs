// Who is in a channel, and what each of them may do there: readers, those who left or were put out, owners old and new.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { request, waitFor } from '../lib/net.mjs';
import { READS, WRITES, channelUrl, isRefused, person, security } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

let world, alice, bob, carol;
before(async () => {
  world = await startWorld();
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => person(world, `${name}@example.com`)));
});
after(() => world?.close());

/** A channel of Alice's with a note in it; `others`: [[person, access]]. */
async function shared(...others) {
  const { _id } = await world.makeChannel(alice.device);
  for (const [who, access] of others) {
    const sent = await alice.invite(_id, who.address, access);
    assert.equal(sent.state, 'sent', JSON.stringify(sent.error));
    await who.accept(_id);
  }
  assert.equal((await alice.ask(_id, '/note', { method: 'PUT', body: { text: 'hello' } })).status, 201);
  return _id;
}

const failed = (doc, error) => assert.equal(doc.error?.error, error, JSON.stringify(doc));
const done = (doc) => assert.equal(doc.state, 'done', JSON.stringify(doc));
const accessOf = async (who, channel) => (await who.get(channel)).access;

/** Each try is let in, or each is refused; a route that the embedded server doesn't have says nothing. */
async function expectAll(who, channel, tries, allowed, what) {
  for (const [name, path, options] of tries) {
    const { status, text } = await who.ask(channel, path, options);
    if (status === 501 && world.server.embedded) continue;
    assert.equal(isRefused(name, { status, text }), !allowed, `${what}, ${name}: ${status} ${text.slice(0, 200)}`);
    if (allowed) assert.ok(status < 300, `${what}, ${name}: ${status} ${text.slice(0, 200)}`);
  }
}

test('a reader pulls, and keeps his place, but no write of his is taken', async () => {
  const channel = await shared([bob, 'reader']);
  await expectAll(bob, channel, READS.filter(([name]) => name !== 'attachment'), true, 'a reader');
  const before = await security(world, channel);
  await expectAll(bob, channel, WRITES, false, 'a reader');
  assert.deepEqual(await security(world, channel), before);
  const note = (await bob.ask(channel, '/note')).body;
  for (const body of [{ ...note, text: 'mine' }, { ...note, _deleted: true }])
    assert.equal((await bob.ask(channel, '/note', { method: 'PUT', body })).status, 403);
  assert.equal((await bob.ask(channel, '/note?rev=' + note._rev, { method: 'DELETE' })).status, 403);
  assert.equal((await bob.ask(channel, '/_local/checkpoint', { method: 'PUT', body: { seq: 1 } })).status, 201);
  const { body } = await alice.ask(channel, '/_all_docs');
  assert.deepEqual(body.rows.map(({ id }) => id).filter((id) => !id.startsWith('_')).sort(), ['description', 'note']);
});

test('an owner makes a reader a writer, a writer an owner, and the other way round', async () => {
  const channel = await shared([bob, 'reader']);
  done(await alice.change('change', channel, { user: bob.user, access: 'writer' }));
  assert.equal((await bob.ask(channel, '/mine', { method: 'PUT', body: {} })).status, 201);
  assert.equal(await accessOf(bob, channel), 'writer');
  done(await alice.change('change', channel, { user: bob.user, access: 'owner' }));
  done(await bob.change('change', channel, { user: alice.user, access: 'reader' }));
  assert.equal((await alice.ask(channel, '/hers', { method: 'PUT', body: {} })).status, 403);
  assert.deepEqual((await security(world, channel)).channels, { owners: [bob.role], readers: [alice.role] });
});

test('who is put out has nothing of the channel any more, and his devices are told', async () => {
  const channel = await shared([bob, 'writer'], [carol, 'reader']);
  done(await alice.change('remove', channel, { user: bob.user, wipe: true }));
  const told = await bob.settled(channel, ['removed']);
  assert.deepEqual({ wipe: told.wipe, left: told.left, syncpoint: told.syncpoint, members: told.members }, { wipe: true, left: false, syncpoint: undefined, members: undefined });
  const subscription = await bob.settled(`${channel}-sub-${bob.user}`, ['error']);
  failed(subscription, 'no_member');
  await expectAll(bob, channel, READS, false, 'who was put out');
  await expectAll(bob, channel, WRITES, false, 'who was put out');
  await carol.seen(channel, ({ members }) => members.length === 2);
  assert.ok(!JSON.stringify(await security(world, channel)).includes(bob.user));
  // He may ask for it again and again.
  await bob.put({ ...subscription, state: 'active' });
  failed(await bob.seen(subscription._id, ({ state, _rev }) => state === 'error' && _rev !== subscription._rev), 'no_member');
  // Invited again he is in again, and his devices follow.
  assert.equal((await alice.invite(channel, bob.address)).state, 'sent');
  await bob.accept(channel);
  await bob.settled(subscription._id, ['active']);
  assert.equal((await bob.ask(channel, '/note')).status, 200);
  assert.equal((await bob.get(channel)).wipe, undefined);
});

test('who leaves is out; the last owner stays until he has handed the channel over', async () => {
  const channel = await shared([bob, 'writer'], [carol, 'writer']);
  done(await carol.change('leave', channel));
  const told = await carol.settled(channel, ['removed']);
  assert.equal(told.left, true);
  assert.equal((await carol.ask(channel)).status, 403);

  failed(await alice.change('leave', channel), 'last_owner');
  failed(await alice.change('change', channel, { user: alice.user, access: 'reader' }), 'last_owner');
  failed(await alice.change('remove', channel, { user: alice.user }), 'last_owner');
  done(await alice.change('hand over', channel, { user: bob.user }));
  assert.equal(await accessOf(alice, channel), 'writer');
  assert.equal(await accessOf(bob, channel), 'owner');
  done(await alice.change('leave', channel));
  assert.equal((await alice.ask(channel)).status, 403);
  assert.deepEqual((await security(world, channel)).members.roles, [bob.role]);
  await bob.put({ ...await bob.get(channel), name: 'Bobs own' });
  await bob.seen(channel, ({ name, error }) => name === 'Bobs own' && !error);
  await waitFor(async () => (await bob.ask(channel, '/description')).body.name === 'Bobs own');
});

test('only an owner changes members, and nobody learns of what he has no part in', async () => {
  const channel = await shared([bob, 'writer']);
  for (const state of ['change', 'remove', 'hand over'])
    failed(await bob.change(state, channel, { user: alice.user, access: 'reader' }), 'no_owner');
  for (const id of [channel, 'x'.repeat(20)])
    for (const state of ['change', 'remove', 'hand over', 'leave'])
      failed(await carol.change(state, id, { user: alice.user, access: 'reader' }), 'no_member');
  failed(await alice.change('change', channel, { user: bob.user, access: 'king' }), 'bad_access');
  failed(await alice.change('change', channel, { user: carol.user, access: 'reader' }), 'no_member');
  failed(await alice.change('hand over', channel, { user: alice.user }), 'no_member');
  assert.equal(await accessOf(bob, channel), 'writer');
});

test('an owner\'s new name reaches all members; another member\'s does not', async () => {
  const channel = await shared([bob, 'writer'], [carol, 'owner']);
  await carol.put({ ...await carol.get(channel), name: 'Carols name' });
  for (const who of [alice, bob, carol]) await who.seen(channel, ({ name, error }) => name === 'Carols name' && !error);
  await bob.put({ ...await bob.get(channel), name: 'Bobs name' });
  const back = await bob.seen(channel, ({ error }) => error);
  failed(back, 'no_owner');
  assert.equal(back.name, 'Carols name');
  assert.equal((await alice.ask(channel, '/description')).body.name, 'Carols name');
});

test('a name that somebody else gave stands in the way of no private channel', async () => {
  const channel = await shared([bob, 'owner']);
  await bob.put({ ...await bob.get(channel), name: 'Diary' });
  const renamed = await alice.seen(channel, ({ name }) => name === 'Diary');
  assert.equal(renamed.named_by, bob.user);
  const diary = await world.makeChannel(alice.device, { name: 'Diary' });
  assert.equal(diary.state, 'ready', JSON.stringify(diary.error));
  assert.equal(diary.named_by, alice.user);
  // Bob's own names are his.
  const second = await world.makeChannel(bob.device, { name: 'Diary' });
  assert.deepEqual([second.error?.error, second.channel], ['duplicate', channel]);
});

test('a copy that a member\'s device spoiled is put right', async () => {
  const channel = await shared([bob, 'reader']);
  const copy = await bob.get(channel);
  const spoiled = { ...copy, access: 'owner', members: [], syncpoint: 'http://elsewhere', _rev: `9-${'d'.repeat(32)}`, _revisions: { start: 9, ids: ['d'.repeat(32)] } };
  await bob.device.request(`${bob.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [spoiled] } });
  const mended = await bob.seen(channel, ({ access, _rev }) => access === 'reader' && Number(_rev.split('-')[0]) > 9);
  assert.deepEqual({ syncpoint: mended.syncpoint, members: mended.members }, { syncpoint: copy.syncpoint, members: copy.members });
});

test('a channel that a device calls a failure, or a duplicate of another, stays what it is', async () => {
  const channel = await shared([bob, 'writer']);
  const copy = await alice.get(channel);
  // On top of what is there: of two branches the conflict rule would take the better.
  const [generation, parent] = copy._rev.split('-');
  const start = Number(generation) + 1;
  const history = { _rev: `${start}-${'e'.repeat(32)}`, _revisions: { start, ids: ['e'.repeat(32), parent] } };
  const forged = { ...copy, state: 'error', error: { error: 'duplicate', reason: 'x' }, channel: 'f'.repeat(32), ...history };
  await alice.device.request(`${alice.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [forged] } });
  const mended = await alice.seen(channel, ({ state, _rev }) => state === 'ready' && Number(_rev.split('-')[0]) > start);
  assert.deepEqual([mended.error, mended.channel, mended.access], [undefined, undefined, 'owner']);
});

test('who left may give the name to a channel of his own', async () => {
  const { _id } = await world.makeChannel(carol.device, { name: 'Choir' });
  assert.equal((await carol.invite(_id, bob.address, 'writer')).state, 'sent');
  await bob.accept(_id);
  done(await carol.change('hand over', _id, { user: bob.user }));
  done(await carol.change('leave', _id));
  const own = await world.makeChannel(carol.device, { name: 'Choir' });
  assert.equal(own.state, 'ready', JSON.stringify(own.error));
});

test('a stranger, a revoked device and another user read and write nothing', async () => {
  const lost = await world.activate(world.device(bob.address, { name: 'lost' }));
  const channel = await shared([bob, 'writer']);
  const as = (send) => ({ ask: (id, path = '', options = {}) => send(`${channelUrl(world, id)}${path}`, options) });
  const stolen = as((url, options) => lost.request(url, options));
  await expectAll(stolen, channel, READS.filter(([name]) => name !== 'attachment'), true, 'a device of a member');
  await bob.put({ ...await bob.get(lost.id), state: 'revoke' });
  await bob.settled(lost.id, ['revoked']);
  for (const [who, what] of [[stolen, 'a revoked device'], [carol, 'another user'], [as(request), 'a stranger']]) {
    await expectAll(who, channel, READS, false, what);
    await expectAll(who, channel, WRITES, false, what);
  }
});

// Wishes that come before what they are about: a replication brings documents in batches, in any order, and by any of a person's devices.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { waitFor } from '../lib/net.mjs';
import { person } from '../lib/people.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

let world, alice, bob;
before(async () => {
  world = await startWorld();
  alice = await person(world, 'alice@example.com');
  bob = await person(world, 'bob@example.com');
});
after(() => world?.close());

const newId = (kind) => `${kind}-${randomBytes(8).toString('hex')}`;

/** Puts them, in one batch as a replication does, and goes on once the daemon has had each in hand. */
async function early(who, docs) {
  const { status } = await who.device.request(`${who.device.control}/_bulk_docs`, { method: 'POST', body: { docs } });
  assert.equal(status, 201);
  for (const { _id } of docs) {
    await waitFor(async () => world.daemon.output.includes(`attempt 1 at ${_id} `) || (await who.get(_id)).state === 'error', { what: `a first look at ${_id}` });
  }
}

test('what is wished of a channel and a group waits for them to come in a later batch', async () => {
  const [channel, group] = [newChannelId(), newChannelId()];
  const [invitation, link, show, given] = [newId('to'), newId('link'), newId('show'), newId('given')];
  await early(alice, [
    { _id: invitation, type: 'invitation', state: 'new', channel, to: 'carol@example.com', access: 'writer' },
    { _id: link, type: 'link', state: 'new', channel, code: randomBytes(16).toString('hex'), access: 'reader' },
    { _id: show, type: 'member', state: 'show', channel, shows: 'names' },
    { _id: given, type: 'member', state: 'change', channel, group, access: 'writer' },
  ]);
  await alice.put({ _id: channel, type: 'channel', state: 'new', name: 'Late' });
  assert.equal((await alice.settled(invitation, ['sent', 'error'])).state, 'sent');
  assert.equal((await alice.settled(link, ['open', 'error'])).state, 'open');
  assert.equal((await alice.settled(show, ['done', 'error'])).state, 'done');
  await alice.put({ _id: group, type: 'group', state: 'new', name: 'The late' });
  assert.equal((await alice.settled(given, ['done', 'error'])).state, 'done');
  await alice.seen(channel, ({ groups, shows }) => groups?.[0].group === group && shows === 'names');
});

test('who comes by a link before it is known waits for it', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  const code = randomBytes(16).toString('hex');
  const join = newId('join');
  await early(bob, [{ _id: join, type: 'join', state: 'new', channel, code }]);
  await alice.put({ _id: newId('link'), type: 'link', state: 'new', channel, code, access: 'writer' });
  assert.equal((await bob.settled(join, ['joined', 'error'])).state, 'joined');
  assert.equal((await bob.settled(channel, ['ready'])).access, 'writer');
});

test('what never comes is an error in the end; what cannot be is one at once', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  const never = newId('never');
  await early(alice, [{ _id: never, type: 'member', state: 'leave', channel: newChannelId() }]);
  const began = Date.now();
  await bob.put({ _id: 'not-his', type: 'member', state: 'leave', channel });
  assert.equal((await bob.settled('not-his', ['done', 'error'])).error.error, 'no_member');
  assert.ok(!world.daemon.output.includes('attempt 1 at not-his '), 'no wait for a channel that is there');
  assert.equal((await alice.settled(never, ['done', 'error'])).error.error, 'no_member');
  assert.ok(Date.now() - began < 45000, 'a quarter of a minute, on a slow machine thrice that');
});

// Channels that are archived, deleted and brought back, by the plug-in's calls alone, offline too.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorld } from '../../../tests/lib/world.mjs';
import { PATIENT, closeAll, hasChannel, hasDoc, newDevice, waitFor } from './people.mjs';

let world;
let alice;
let bob;
let id;
const heard = [];
before(async () => {
  world = await startWorld();
  alice = await newDevice(world, 'alice@example.com', "Alice's phone");
  bob = await newDevice(world, 'bob@example.com', "Bob's phone");
  for (const event of ['archived', 'deleted', 'reopened', 'removed']) bob.on(event, (channel) => heard.push([event, channel]));
  await alice.channel('Photos').put({ _id: 'beach', text: 'sand' });
  ({ id } = await hasChannel(alice, 'Photos'));
  await alice.invite('Photos', 'bob@example.com');
  const invitation = await eventually(() => bob.invitations().find(({ state }) => state === 'received'), 'the invitation');
  await bob.accept(invitation.id);
  await hasDoc(bob.channel(await eventually(() => at(bob).state === 'ready' && id, 'the channel')), 'beach');
});
after(async () => {
  await closeAll([alice, bob]);
  await world?.close();
});

const eventually = (fn, what) => waitFor(fn, { ...PATIENT, what });
const at = (device) => device.channels().find((channel) => channel.id === id) ?? {};
const isHeard = (event) => eventually(() => heard.find(([name]) => name === event), event).then(([, channel]) => channel);

test('archived without a network, a channel is read and not written once there is one', async () => {
  alice.cable.unplug();
  alice.kick();
  await alice.archiveChannel('Photos');
  await assert.rejects(alice.archiveChannel('Photos'), { error: 'bad_state' });
  await assert.rejects(alice.undeleteChannel('Photos'), { error: 'bad_state' });
  alice.cable.plug();
  alice.kick();
  assert.deepEqual([(await isHeard('archived')).id, at(bob).access], [id, 'writer']);
  await bob.channel(id).put({ _id: 'late', text: 'too late' });
  await eventually(() => bob.heard.errors.some(({ error, id: doc }) => error === 'denied' && doc === 'late'), 'the refusal');
  await eventually(() => at(alice).state === 'archived', 'the daemon\'s answer');
  await alice.channel('Photos').put({ _id: 'late too', text: 'too late' });
  await eventually(() => alice.heard.errors.some(({ error, id: doc }) => error === 'denied' && doc === 'late too'), 'the owner\'s refusal');

  await alice.reopenChannel('Photos');
  assert.equal((await isHeard('reopened')).state, 'ready');
  await eventually(() => at(alice).state === 'ready', 'the daemon\'s answer');
  await alice.channel('Photos').put({ _id: 'wave', text: 'water' });
  await hasDoc(bob.channel(id), 'wave');
});

test('only an owner does it, and the other is told', async () => {
  await bob.deleteChannel(id);
  await eventually(() => bob.heard.errors.some(({ error, channel }) => error === 'no_owner' && channel === id), 'the error');
  assert.equal(at(bob).state, 'ready');
});

test('deleted it is not synced and stays on the device; brought back it goes on', async () => {
  heard.length = 0;
  await alice.deleteChannel('Photos');
  const deleted = await isHeard('deleted');
  assert.ok(Date.parse(deleted.until) > Date.now() + 29 * 86400000, deleted.until);
  await eventually(() => at(bob).sync === 'off', 'the end of its syncing');
  assert.equal((await bob.channel(id).get('beach')).text, 'sand');
  await eventually(() => at(alice).state === 'deleted', 'the daemon\'s answer');
  await alice.channel(id).put({ _id: 'offline', text: 'meanwhile' });

  await alice.undeleteChannel('Photos');
  await isHeard('reopened');
  assert.deepEqual(heard.map(([event]) => event), ['deleted', 'reopened']);
  await hasDoc(bob.channel(id), 'offline');
});

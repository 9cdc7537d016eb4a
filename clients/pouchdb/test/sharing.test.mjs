// Two people share a channel, by the plug-in's calls alone, offline too.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorld } from '../../../tests/lib/world.mjs';
import { Cable, PATIENT, closeAll, hasChannel, hasDoc, newDevice, waitFor } from './people.mjs';

let world;
let alice;
let bob;
const cable = new Cable();
const devices = [];
const heard = { invitations: [], removed: [] };
before(async () => {
  world = await startWorld();
  alice = await newDevice(world, 'alice@example.com', "Alice's phone");
  bob = await newDevice(world, 'bob@example.com', "Bob's phone", { allowWipe: true, fetch: cable.fetch });
  devices.push(alice, bob);
  bob.on('invitation', (invitation) => heard.invitations.push(invitation));
  bob.on('removed', (channel) => heard.removed.push(channel));
});
after(async () => {
  await closeAll(devices);
  await world?.close();
});

const eventually = (fn, what) => waitFor(fn, { ...PATIENT, what });
const last = (device, received) => device.invitations().filter((invitation) => invitation.received === received).at(-1);
const atBobs = (name) => bob.channel(ready(bob, name).id);  // by name it would be one of his own
const ready = (device, name) => device.channels().find((channel) => channel.name === name && channel.state === 'ready');

test('invited, he accepts without a network, and has the channel once there is one', async () => {
  await alice.channel('Photos').put({ _id: 'beach', text: 'sand' });
  await hasChannel(alice, 'Photos');
  const id = await alice.invite('Photos', ' bob@example.com ', { access: 'reader' });
  const invitation = await eventually(() => last(bob, true)?.state === 'received' && last(bob, true), 'the invitation');
  assert.deepEqual({ from: invitation.from, name: invitation.name, access: invitation.access }, { from: 'alice@example.com', name: 'Photos', access: 'reader' });
  assert.equal(heard.invitations.at(-1).id, invitation.id);

  cable.unplug();
  bob.kick();
  await bob.accept(invitation.id);
  await assert.rejects(bob.decline(invitation.id), { error: 'too_late' });
  cable.plug();
  bob.kick();
  await eventually(() => ready(bob, 'Photos'), 'the channel at Bob\'s');
  await hasDoc(atBobs('Photos'), 'beach');
  await eventually(() => alice.invitations().find((sent) => sent.id === id).state === 'accepted', 'the answer at Alice\'s');
  assert.equal(ready(bob, 'Photos').access, 'reader');
  assert.deepEqual(bob.members('Photos').map(({ access }) => access), ['owner', 'reader']);
});

test('a reader\'s own note is denied; as a writer he has it taken', async () => {
  await atBobs('Photos').put({ _id: 'mine', text: 'hello' });
  await eventually(() => bob.heard.errors.some(({ error, id }) => error === 'denied' && id === 'mine'), 'the refusal');
  const { user } = bob.status;
  await alice.changeMember('Photos', user, 'writer');
  await eventually(() => ready(bob, 'Photos').access === 'writer', 'the new access');
  const { _rev } = await atBobs('Photos').get('mine');
  await atBobs('Photos').put({ _id: 'mine', _rev, text: 'hello again' });
  await hasDoc(alice.channel('Photos'), 'mine');
});

test('what cannot be is told by an error, at once or by an event', async () => {
  await assert.rejects(alice.invite('Photos', 'nobody'), { error: 'bad_owner' });
  await assert.rejects(alice.invite('Photos', 'x@example.com', { access: 'king' }), { error: 'bad_access' });
  await assert.rejects(alice.invite('No such channel', 'x@example.com'), { error: 'unknown_channel' });
  await assert.rejects(bob.withdraw(last(bob, true).id), { error: 'unknown_invitation' });
  await bob.invite('Photos', 'carol@example.com');
  await eventually(() => bob.heard.errors.some(({ error }) => error === 'no_owner'), 'the error');
  await alice.leave('Photos');
  await eventually(() => alice.heard.errors.some(({ error }) => error === 'last_owner'), 'the other error');
});

test('by a link that was made offline somebody comes in, and another after it was closed doesn\'t', async () => {
  const carol = await newDevice(world, 'carol@example.com', "Carol's phone");
  devices.push(carol);
  await bob.channel('Recipes').put({ _id: 'bread', text: 'flour' });
  await hasChannel(bob, 'Recipes');
  cable.unplug();
  bob.kick();
  const link = await bob.makeLink('Recipes', { access: 'reader', uses: 5, days: 1 });
  await eventually(() => bob.links('Recipes').some((made) => made.link === link && made.state === 'new'), 'the link, at its maker\'s');
  await carol.join(link);
  await eventually(() => carol.heard.errors.some(({ error }) => error === 'unknown_link'), 'nothing known of it yet');
  cable.plug();
  bob.kick();
  await eventually(() => bob.links('Recipes')[0].state === 'open', 'the link');
  const joined = new Promise((resolve) => { carol.once('joined', resolve); });
  await carol.join(` ${link}\n`);
  const { channel } = await joined;
  await eventually(() => carol.channels().some(({ id, state, access }) => id === channel && state === 'ready' && access === 'reader'), 'the channel');
  await hasDoc(carol.channel(channel), 'bread');

  await bob.closeLink(link);
  await eventually(() => bob.links('Recipes')[0].state === 'closed', 'its end');
  await alice.join(link);
  await eventually(() => alice.heard.errors.some(({ error }) => error === 'link_ended'), 'the refusal');
  await assert.rejects(bob.closeLink(link), { error: 'too_late' });
  await assert.rejects(alice.closeLink(link), { error: 'unknown_link' });
  await assert.rejects(alice.join('https://example.com'), { error: 'bad_link' });
  await assert.rejects(bob.makeLink('Recipes', { access: 'owner' }), { error: 'bad_access' });
  await assert.rejects(bob.makeLink('Recipes', { uses: 1001 }), { error: 'bad_limits' });
});

test('a group has channels together: who comes in has them, who goes is out of them', async () => {
  const team = await bob.makeGroup('The team');
  await eventually(() => bob.groups().some(({ id, state }) => id === team && state === 'ready'), 'the group');
  await bob.giveToGroup('Recipes', team, { access: 'reader' });
  await bob.invite(team, 'alice@example.com');
  const invitation = await eventually(() => alice.invitations().find(({ received, channel, state }) => received && channel === team && state === 'received'), 'the invitation');
  await alice.accept(invitation.id);
  const recipes = () => alice.channels().find(({ name, access }) => name === 'Recipes' && access === 'reader');
  await eventually(() => recipes()?.state === 'ready', 'the channel at Alice\'s');
  await eventually(() => bob.members(team).map(({ access }) => access).join() === 'owner,writer', 'the members at Bob\'s');
  assert.deepEqual(alice.people(recipes().id), [
    { user: bob.status.user, access: 'owner', name: null, address: null, groups: [team] },
    { user: alice.status.user, access: 'reader', name: null, address: null, groups: [team] },
  ]);
  assert.deepEqual([recipes().memberCount, recipes().groups], [1, [{ group: team, access: 'reader', name: null }]]);
  assert.equal(alice.groups().find(({ id }) => id === team).memberCount, 2);
  await bob.showMembers('Recipes', 'names');
  await eventually(() => recipes().groups[0].name === 'The team', 'the group\'s name at Alice\'s');
  await bob.renameGroup(team, 'The crew');
  await eventually(() => recipes().groups[0].name === 'The crew', 'its other name in the channel');
  await eventually(() => alice.groups().some(({ id, name }) => id === team && name === 'The crew'), 'its other name');
  const { id } = recipes();
  await alice.leave(team);
  await eventually(() => alice.channels().find((channel) => channel.id === id)?.state === 'removed', 'the end');
  await bob.takeFromGroup('Recipes', team);
  await assert.rejects(bob.giveToGroup('Recipes', 'nothing'), { error: 'unknown_group' });
});

test('an invitation is withdrawn', async () => {
  const id = await alice.invite('Photos', 'dave@example.com');
  await eventually(() => alice.invitations().find((sent) => sent.id === id).state === 'sent', 'the mail');
  await alice.withdraw(id);
  await eventually(() => alice.invitations().find((sent) => sent.id === id).state === 'withdrawn', 'its end');
});

test('a document that says "removed" wipes nothing while the server lets the device in', async () => {
  const control = new bob.disk.PouchDB('channels-control');
  const { id } = ready(bob, 'Photos');
  const doc = await control.get(id);
  await control.put({ ...doc, state: 'removed', wipe: true });
  await eventually(() => heard.removed.length === 1, 'the event');
  assert.equal(heard.removed.shift().wiped, false);
  assert.equal((await bob.channel(id).get('beach')).text, 'sand');
  bob.kick();
  await eventually(() => ready(bob, 'Photos'), 'the daemon\'s word');
});

test('of two channels of one name the own one is meant; the other has its id', async () => {
  bob.channel('Photos 2');
  await hasChannel(bob, 'Photos 2');
  const own = ready(bob, 'Photos 2');
  alice.channel('Photos 2');
  await hasChannel(alice, 'Photos 2');
  await alice.invite('Photos 2', 'bob@example.com');
  const invitation = await eventually(() => last(bob, true)?.name === 'Photos 2' && last(bob, true), 'the invitation');
  await bob.accept(invitation.id);
  await eventually(() => bob.channels().find(({ id, state }) => id === invitation.channel && state === 'ready'), 'the channel');
  assert.equal(bob.channel('Photos 2').name, bob.channel(own.id).name);
  assert.notEqual(bob.channel(invitation.channel).name, bob.channel(own.id).name);
});

test('who is put out keeps what he has, or has it wiped, as was wished and as his app allowed', async () => {
  const photos = atBobs('Photos');
  await alice.removeMember('Photos', bob.status.user, { wipe: true });
  await eventually(() => heard.removed.length > 0, 'being put out');
  const [{ wipe, wiped, left, access, sync }] = heard.removed;
  assert.deepEqual({ wipe, wiped, left, access, sync }, { wipe: true, wiped: true, left: false, access: null, sync: 'off' });
  await assert.rejects(photos.get('beach'));
  assert.equal(alice.members('Photos').length, 1);
});

test('handed over, the channel is the other\'s; who left keeps his copy', async () => {
  alice.channel('Trips');
  await hasChannel(alice, 'Trips');
  await alice.channel('Trips').put({ _id: 'rome', text: 'in May' });
  await alice.invite('Trips', 'bob@example.com');
  const invitation = await eventually(() => last(bob, true)?.name === 'Trips' && last(bob, true), 'the invitation');
  await bob.accept(invitation.id);
  await eventually(() => ready(bob, 'Trips'), 'the channel');
  await alice.handOver('Trips', bob.status.user);
  await eventually(() => ready(bob, 'Trips').access === 'owner' && ready(alice, 'Trips').access === 'writer', 'the new owner');
  await alice.sync('Trips');
  const trips = alice.channel('Trips');
  const told = new Promise((resolve) => alice.once('removed', resolve));
  await alice.leave('Trips');
  const { left, wiped } = await told;
  assert.deepEqual({ left, wiped }, { left: true, wiped: false });
  assert.equal((await trips.get('rome')).text, 'in May');
});

// All that a person does about sharing while the device has no network, at once when it is back, also on channels and groups that the
// server doesn't know yet.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { startWorld } from '../../../tests/lib/world.mjs';
import { Cable, PATIENT, closeAll, hasDoc, newDevice, waitFor } from './people.mjs';

let world, alice, bob, tablet;
const directory = `d${randomBytes(4).toString('hex')}-directory`;
const cables = { alice: new Cable(), bob: new Cable() };
const devices = [];
before(async () => {
  world = await startWorld({ channels: { directory_db: directory } });
  alice = await newDevice(world, 'alice@example.com', "Alice's phone", { directory, fetch: cables.alice.fetch });
  tablet = await newDevice(world, 'alice@example.com', "Alice's tablet");
  bob = await newDevice(world, 'bob@example.com', "Bob's phone", { directory, fetch: cables.bob.fetch });
  devices.push(alice, tablet, bob);
});
after(async () => {
  await closeAll(devices);
  await world?.daemon.request(`/${directory}`, { method: 'DELETE' });
  await world?.close();
});

const eventually = (fn, what) => waitFor(fn, { ...PATIENT, what });
const channelOf = (device, name) => device.channels().find((channel) => channel.name === name);
const isReady = (device, name) => channelOf(device, name)?.state === 'ready';
const errorsOf = (device) => device.heard.errors.map(({ error }) => error);

/** What `work` does happens without a network. */
async function offline(who, device, work) {
  cables[who].unplug();
  device.kick();
  const result = await work();
  cables[who].plug();
  device.kick();
  return result;
}

test('a new channel, and who is invited to it, a link, its listing and what it shows', async () => {
  const link = await offline('alice', alice, async () => {
    await alice.setProfile({ name: 'Alice L.' });
    await alice.channel('Walks').put({ _id: 'hill', text: 'steep' });
    await alice.invite('Walks', 'bob@example.com');
    await alice.showMembers('Walks', 'addresses');
    await alice.publish('Walks');
    return alice.makeLink('Walks', { access: 'reader' });
  });
  const invitation = await eventually(() => bob.invitations().find(({ received, name, state }) => received && name === 'Walks' && state === 'received'), 'the invitation');
  await offline('bob', bob, () => bob.accept(invitation.id));
  await eventually(() => isReady(bob, 'Walks'), 'the channel at Bob\'s');
  await hasDoc(bob.channel(channelOf(bob, 'Walks').id), 'hill');
  await eventually(() => alice.links('Walks')[0]?.state === 'open', 'the link');
  assert.equal(link, alice.links('Walks')[0].link);
  const { id } = channelOf(alice, 'Walks');
  const { body } = await eventually(async () => {
    const answer = await world.daemon.request(`/${directory}/${id}`);
    return answer.status === 200 && answer;
  }, 'the listing');
  assert.equal(body.name, 'Walks');
  await eventually(() => bob.members(id).some(({ name, address }) => name === 'Alice L.' && address === 'alice@example.com'), 'who Alice is');
  await eventually(() => [alice, tablet, bob].every((device) => channelOf(device, 'Walks')?.shows === 'addresses'), 'what is shown, on all devices');
  await eventually(() => channelOf(alice, 'Walks').public && channelOf(bob, 'Walks').public, 'that it is public');
  assert.deepEqual(errorsOf(alice), []);
});

test('a new group, a new channel for it, and who is to be in it', async () => {
  const { team } = await offline('alice', alice, async () => {
    const team = await alice.makeGroup('The walkers');
    await alice.channel('Routes').put({ _id: 'north', text: 'long' });
    await alice.giveToGroup('Routes', team);
    await alice.invite(team, 'bob@example.com', { access: 'reader' });
    await alice.renameGroup(team, 'The runners');
    await alice.showMembers(team, 'names');
    return { team };
  });
  const invitation = await eventually(() => bob.invitations().find(({ received, channel, state }) => received && channel === team && state === 'received'), 'the invitation');
  await offline('bob', bob, () => bob.accept(invitation.id));
  await eventually(() => isReady(bob, 'Routes') && channelOf(bob, 'Routes').access === 'reader', 'the channel at Bob\'s');
  await hasDoc(bob.channel(channelOf(bob, 'Routes').id), 'north');
  await eventually(() => bob.groups().some(({ id, name, shows }) => id === team && name === 'The runners' && shows === 'names'), 'its name, and what it shows');
  await eventually(() => channelOf(alice, 'Routes').groups.some(({ group, access }) => group === team && access === 'writer'), 'the group, in the channel');
  assert.equal(channelOf(bob, 'Routes').shows, 'nothing');
  assert.deepEqual(errorsOf(alice), []);

  await offline('bob', bob, () => bob.leave(team));
  await eventually(() => channelOf(bob, 'Routes').state === 'removed', 'the end at Bob\'s');
  await eventually(() => alice.members(team).length === 1, 'and at Alice\'s');
});

test('what two devices of one person say offline ends alike on both, and in the registry', async () => {
  const walks = channelOf(alice, 'Walks').id;
  const user = bob.status.user;
  await eventually(() => isReady(tablet, 'Walks'), 'the channel on the tablet');
  await offline('alice', alice, async () => {
    await alice.changeMember('Walks', user, 'reader');
    await alice.setProfile({ name: 'Alice One' });
    await tablet.setProfile({ name: 'Alice Two' });
    await tablet.changeMember(walks, user, 'owner');
    await eventually(() => tablet.profile().state === 'ready' && bob.members(walks).some(({ access }) => access === 'owner'), 'the tablet\'s word');
  });
  await eventually(() => channelOf(bob, 'Walks').access === 'reader', 'the later word');
  // One of both names: CouchDB chooses the winner, and the other stands in `overruled`.
  await eventually(async () => {
    const { body: { name } } = await world.daemon.request(`/${world.daemon.names.registry_db}/user-${alice.status.user}`);
    const profiles = [alice, tablet].map((device) => device.profile());
    const shown = [alice, tablet, bob].map((device) => device.members(walks).find(({ access }) => access === 'owner').name);
    return ['Alice One', 'Alice Two'].includes(name) && profiles.every((profile) => profile.state === 'ready' && profile.name === name) &&
      shown.every((seen) => seen === name);
  }, 'one name everywhere');
});

test('a public channel is followed without a network, and left again', async () => {
  await alice.channel('News').put({ _id: 'today', text: 'rain' });
  await eventually(() => isReady(alice, 'News'), 'the channel');
  await alice.publish('News');
  const { id } = await eventually(async () => (await bob.publicChannels()).find(({ name }) => name === 'News'), 'the listing');
  assert.equal(id, channelOf(alice, 'News').id);
  await offline('bob', bob, () => bob.follow(id));
  await eventually(() => bob.channels().some((channel) => channel.id === id && channel.state === 'ready' && channel.access === 'reader'), 'the channel at Bob\'s');
  await hasDoc(bob.channel(id), 'today');
  assert.deepEqual(bob.members(id), []);
  await offline('bob', bob, async () => {
    await assert.rejects(bob.publicChannels(), { error: 'unavailable' });
    await bob.leave(id);
  });
  await eventually(() => bob.channels().find((channel) => channel.id === id).state === 'removed', 'the end');
});

test('what was invited and linked offline is taken back offline, before the server knows of it', async () => {
  await eventually(() => isReady(alice, 'Walks'), 'the channel');
  const [invitation, link] = await offline('alice', alice, async () => {
    const made = [await alice.invite('Walks', 'dave@example.com'), await alice.makeLink('Walks')];
    await eventually(() => alice.links('Walks').some((known) => known.link === made[1]), 'the link, here');
    await alice.withdraw(made[0]);
    await alice.closeLink(made[1]);
    await eventually(() => alice.links('Walks').some((known) => known.link === made[1] && known.state === 'close'), 'its end, here');
    return made;
  });
  const stateOf = (id) => alice.invitations().find((sent) => sent.id === id).state;
  await eventually(() => stateOf(invitation) === 'withdrawn', 'the invitation\'s end');
  await eventually(() => alice.links('Walks').find((made) => made.link === link).state === 'closed', 'the link\'s end');
  await assert.rejects(alice.withdraw(invitation), { error: 'too_late' });
  await assert.rejects(alice.closeLink(link), { error: 'too_late' });
  assert.equal(world.mail.mails.some(({ to }) => String(to).includes('dave@example.com')), false, 'no mail went out');
  await bob.join(link);
  await eventually(() => errorsOf(bob).some((error) => error === 'unknown_link' || error === 'link_ended'), 'the refusal');
  assert.deepEqual(errorsOf(alice), []);
});

test('a directory of another name, or a server without one, is told plainly', async () => {
  await assert.rejects(tablet.publicChannels(), { error: 'no_directory' });
});

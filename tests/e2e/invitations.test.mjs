// Invitations, from the inviter's document to the channel on the invitee's devices.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../lib/device.mjs';
import { person, security } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

let world, alice, bob, channel;
before(async () => {
  world = await startWorld();
  alice = await person(world, 'alice@example.com', { devices: 2 });
  bob = await person(world, 'bob@example.com', { devices: 2, locale: 'de' });
  channel = await world.makeChannel(alice.device, { name: 'Fun Times' });
});
after(() => world?.close());

const failed = (doc, error) => {
  assert.equal(doc.state, 'error', JSON.stringify(doc));
  assert.equal(doc.error.error, error);
  assert.match(doc.error.reason, /^\S.*[.?]$/);
};

test('somebody known gets a mail in his language and the invitation; who accepts has the channel on all of his devices', async () => {
  const sent = await alice.invite(channel._id, 'Bob@Example.com', 'writer');
  assert.equal(sent.state, 'sent', JSON.stringify(sent.error));
  assert.ok(Date.parse(sent.expires) > Date.now());
  const mail = await world.mail.next({ to: 'bob@example.com', subject: /Einladung/ });
  assert.match(mail.text, /alice@example\.com lädt Sie in den Kanal „Fun Times“ ein/);
  assert.ok(!mail.text.includes('sobald'), 'he has a device already');

  const received = await bob.invitation(channel._id);
  const { from, name, access } = received;
  assert.deepEqual({ from, name, access }, { from: 'alice@example.com', name: 'Fun Times', access: 'writer' });
  assert.equal((await bob.ask(channel._id, '/_all_docs')).status, 403, 'not yet');

  await bob.accept(channel._id);
  await alice.settled(sent._id, ['accepted']);
  const shown = await bob.get(channel._id, bob.devices[1]);
  assert.deepEqual({ name: shown.name, access: shown.access, database: shown.database }, { name: 'Fun Times', access: 'writer', database: channel.database });
  const members = [{ user: alice.user, access: 'owner' }, { user: bob.user, access: 'writer' }];
  assert.deepEqual(shown.members, members);
  assert.deepEqual((await alice.seen(channel._id, (doc) => doc.members?.length === 2, { device: alice.devices[1] })).members, members);
  assert.equal((await bob.get(`${channel._id}-sub-${bob.user}`)).state, 'active');
  assert.equal((await bob.ask(channel._id, '/note', { method: 'PUT', body: { by: 'bob' } })).status, 201);
  assert.deepEqual((await alice.ask(channel._id, '/note')).body.by, 'bob');
  const { members: { roles }, channels } = await security(world, channel._id);
  assert.deepEqual([...roles].sort(), [alice.role, bob.role].sort());
  assert.deepEqual(channels, { owners: [alice.role], readers: [] });
});

test('somebody unknown gets a mail, and the invitation is there with his first device', async () => {
  const sent = await alice.invite(channel._id, 'carol@example.com', 'reader', { locale: 'es' });
  assert.equal(sent.state, 'sent', JSON.stringify(sent.error));
  const mail = await world.mail.next({ to: 'carol@example.com', subject: /invitación/ });
  assert.match(mail.text, /para leer su contenido/);
  assert.match(mail.text, /en cuanto un dispositivo suyo se confirme/);
  const carol = await person(world, 'carol@example.com');
  assert.equal((await carol.invitation(channel._id)).access, 'reader');
  await carol.accept(channel._id);
  await alice.settled(sent._id, ['accepted']);
  assert.deepEqual((await security(world, channel._id)).channels.readers, [carol.role]);
});

test('an invitation can be declined, and sent again', async () => {
  const dave = await person(world, 'dave@example.com');
  const sent = await alice.invite(channel._id, 'dave@example.com');
  await dave.say(await dave.invitation(channel._id), 'decline', ['declined']);
  await alice.settled(sent._id, ['declined']);
  assert.equal((await dave.ask(channel._id)).status, 403);
  assert.equal(await dave.get(channel._id), null);
  const again = await alice.invite(channel._id, 'dave@example.com');
  assert.equal(again.state, 'sent', JSON.stringify(again.error));
  await dave.accept(channel._id);
  await alice.settled(again._id, ['accepted']);
});

test('one that is withdrawn can be accepted no more, by a device that was offline neither', async () => {
  const erin = await person(world, 'erin@example.com');
  const sent = await alice.invite(channel._id, 'erin@example.com');
  const received = await erin.invitation(channel._id);
  await alice.say(sent, 'withdraw', ['withdrawn']);
  await erin.settled(received._id, ['withdrawn']);
  // What a device wrote meanwhile comes by replication, beside the daemon's revision, and wins over it.
  const offline = { ...received, state: 'accept', _rev: `7-${'e'.repeat(32)}`, _revisions: { start: 7, ids: ['e'.repeat(32)] } };
  const { status } = await erin.device.request(`${erin.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [offline] } });
  assert.equal(status, 201);
  const settled = await erin.seen(received._id, ({ state, _rev }) => state === 'withdrawn' && Number(_rev.split('-')[0]) > 7);
  assert.ok(settled);
  assert.equal((await erin.ask(channel._id)).status, 403);
});

test('each invitation that cannot be says why', async () => {
  failed(await alice.invite(channel._id, 'alice@example.com'), 'is_you');
  failed(await alice.invite(channel._id, 'bob@example.com'), 'is_member');
  failed(await alice.invite(channel._id, 'somebody'), 'bad_address');
  failed(await alice.invite(channel._id, 'frank@example.com', 'king'), 'bad_access');
  failed(await alice.invite('f'.repeat(32), 'frank@example.com'), 'no_owner');
  failed(await bob.invite(channel._id, 'frank@example.com'), 'no_owner');
  const first = await alice.invite(channel._id, 'frank@example.com');
  assert.equal(first.state, 'sent');
  failed(await alice.invite(channel._id, 'Frank@example.com'), 'pending');
  failed(await alice.settled((await alice.put({ _id: `invitation-${'a'.repeat(64)}`, type: 'invitation', state: 'new', channel: channel._id, to: 'frank@example.com', access: 'writer' })).id, ['error']), 'bad_id');
});

test('what failed may be mended', async () => {
  const wrong = await alice.invite(channel._id, 'grace');
  failed(wrong, 'bad_address');
  await alice.put({ ...wrong, state: 'new', to: 'grace@example.com' });
  const sent = await alice.settled(wrong._id, ['sent']);
  assert.equal(sent.error, undefined);
  await world.mail.next({ to: 'grace@example.com' });
});

test('an address whose mail server refuses mail is told once, and may be mended', async () => {
  let asked = 0;
  world.mail.reject = (address) => {
    if (address !== 'gone@example.com') return undefined;
    asked += 1;
    return { code: 550, message: 'no such mailbox' };
  };
  const refused = await alice.invite(channel._id, 'gone@example.com');
  failed(refused, 'mail_refused');
  // What the daemon says of it stays, whatever looks at it again.
  await alice.put({ ...refused, note: 'a typo?' });
  await sleep(2000);
  const still = await alice.get(refused._id);
  failed(still, 'mail_refused');
  assert.equal(still.note, 'a typo?');
  assert.equal(asked, 1);
  world.mail.reject = null;
  await alice.put({ ...still, state: 'new', to: 'there@example.com' });
  await alice.settled(refused._id, ['sent']);
});

test('an invitation is no better than who sent it: he must be an owner still when it is accepted', async () => {
  const [first, second] = [await person(world, 'first@example.com'), await person(world, 'second@example.com')];
  const { _id } = await world.makeChannel(first.device);
  await first.invite(_id, second.address, 'owner');
  await second.accept(_id);
  const karl = await person(world, 'karl@example.com');
  const sent = await second.invite(_id, karl.address, 'owner');
  const received = await karl.invitation(_id);
  assert.equal((await first.change('change', _id, { user: second.user, access: 'writer' })).state, 'done');
  failed(await karl.say(received, 'accept', ['error']), 'no_owner');
  failed(await second.settled(sent._id, ['error']), 'no_owner');
  assert.equal((await karl.ask(_id)).status, 403);
});

test('who was put out comes in by a newer invitation only', async () => {
  const judy = await person(world, 'judy@example.com');
  const { _id } = await world.makeChannel(alice.device);
  const sent = await alice.invite(_id, judy.address);
  const received = await judy.invitation(_id);
  // A second one, that was sent at the same moment by another worker: neither saw the other.
  const registry = `/${world.daemon.names.registry_db}`;
  const { _rev, ...record } = (await world.daemon.request(`${registry}/${received._id}`)).body;
  const second = `invitation-${sha256(`${alice.user}\nsecond`)}`;
  assert.equal((await world.daemon.request(`${registry}/${second}`, { method: 'PUT', body: { ...record, _id: second, document: 'second' } })).status, 201);
  await judy.say(received, 'accept', ['accepted']);
  await alice.settled(sent._id, ['accepted']);
  await sleep(1100);  // times are whole seconds
  assert.equal((await alice.change('remove', _id, { user: judy.user })).state, 'done');
  const open = { _id: second, type: 'invitation', state: 'accept', _rev: `1-${'d'.repeat(32)}`, _revisions: { start: 1, ids: ['d'.repeat(32)] } };
  await judy.device.request(`${judy.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [open] } });
  failed(await judy.settled(second, ['error', 'accepted']), 'no_member');
  assert.equal((await judy.ask(_id)).status, 403);
  await sleep(1100);
  assert.equal((await alice.invite(_id, judy.address)).state, 'sent');
  await judy.accept(_id);
  assert.equal((await judy.ask(_id)).status, 200);
});

test('nobody gets in by a document alone, nor further than he was invited', async () => {
  const mallory = await person(world, 'mallory@example.com');
  const write = async (docs) => mallory.device.request(`${mallory.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs } });
  const made = { type: 'invitation', state: 'accept', channel: channel._id, access: 'owner', from: 'alice@example.com' };
  const rev = (n) => ({ _rev: `${n}-${'a'.repeat(32)}`, _revisions: { start: n, ids: ['a'.repeat(32)] } });
  const ids = [`invitation-${'b'.repeat(64)}`, 'made-up'];
  await write(ids.map((_id) => ({ _id, ...made, ...rev(3) })));
  for (const id of ids) failed(await mallory.settled(id, ['error']), 'unknown_invitation');

  // Another's invitation, by its id.
  const sent = await alice.invite(channel._id, 'heidi@example.com');
  const heidi = await person(world, 'heidi@example.com');
  const received = await heidi.invitation(channel._id);
  await write([{ ...made, _id: received._id, ...rev(3) }]);
  failed(await mallory.settled(received._id, ['error']), 'unknown_invitation');
  assert.equal((await mallory.ask(channel._id)).status, 403);

  // His own, with more access than he was given.
  assert.equal((await heidi.device.request(`${heidi.device.control}/${received._id}`, { method: 'PUT', body: { ...received, access: 'owner' } })).status, 403);
  const more = { ...received, state: 'accept', access: 'owner', ...rev(8) };
  await heidi.device.request(`${heidi.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [more] } });
  assert.equal((await heidi.settled(received._id, ['accepted'])).access, 'writer');
  await alice.settled(sent._id, ['accepted']);
  assert.equal((await heidi.seen(channel._id, ({ state }) => state === 'ready')).access, 'writer');
});

test('an invitee\'s own document under the id of an invitation is never written over', async () => {
  const ivan = await person(world, 'ivan@example.com');
  const doc = { _id: 'plan', type: 'invitation', state: 'new', channel: channel._id, to: 'ivan@example.com', access: 'reader' };
  const id = `invitation-${sha256(`${alice.user}\n${doc._id}`)}`;
  await ivan.put({ _id: id, type: 'note', state: 'mine', text: 'keep me' });
  await alice.put(doc);
  await alice.settled('plan', ['sent']);
  const { text, type } = await ivan.get(id);
  assert.deepEqual({ text, type }, { text: 'keep me', type: 'note' });
});

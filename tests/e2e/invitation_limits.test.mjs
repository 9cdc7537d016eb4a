// What ends invitations by time, and what limits the mails that they send.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';
import { person } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

let world, alice, bob, channel;
before(async () => {
  // An invitation lasts fourteen times as long as a confirmation. Devices are confirmed before, by a patient daemon.
  world = await startWorld();
  alice = await person(world, 'alice@example.com');
  bob = await person(world, 'bob@example.com');
  channel = await world.makeChannel(alice.device, { name: 'Fun Times' });
  await world.daemon.stop();
  world.daemon = await startDaemon({
    server: world.server, mail: world.mail, names: world.daemon.names, channels: { confirm_ttl: 1 }, channels_mail: { mail_per_address: 2 },
  });
});
after(() => world?.close());

/** What he has of an invitation to that channel, once it is in one of these states. */
const invitationOf = (who, id, states) => waitFor(async () => {
  const { body } = await who.device.request(`${who.device.control}/_all_docs?include_docs=true&startkey="invitation-"&endkey="invitation-g"`);
  return body.rows.map(({ doc }) => doc).find((doc) => doc.channel === id && states.includes(doc.state));
}, { what: `an invitation to ${id}, ${states}` });

test('one that nobody answered expires on both sides, and says so to who accepts too late', async () => {
  // It is "sent" and "received" for fourteen seconds, in which nobody needs to have looked.
  const id = 'to-nobody-in-time';
  await alice.put({ _id: id, type: 'invitation', state: 'new', channel: channel._id, to: 'bob@example.com', access: 'writer' });
  await alice.settled(id, ['expired']);
  const received = await invitationOf(bob, channel._id, ['expired']);
  const late = { ...received, state: 'accept', _rev: `8-${'c'.repeat(32)}`, _revisions: { start: 8, ids: ['c'.repeat(32)] } };
  await bob.device.request(`${bob.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [late] } });
  await bob.seen(received._id, ({ state, _rev }) => state === 'expired' && Number(_rev.split('-')[0]) > 8);
  assert.equal((await bob.ask(channel._id)).status, 403);
});

test('over the hour\'s limit an address gets no further mail; the invitation is made all the same, whoever it is', async () => {
  const isInvited = ({ subject }) => subject === 'An invitation to a channel';
  for (let i = 0; i < 3; i++) {
    const { _id } = await world.makeChannel(alice.device);
    for (const to of ['victim@example.com', 'bob@example.com']) {
      const doc = { _id: `limits-${i}-${to.split('@')[0]}`, type: 'invitation', state: 'new', channel: _id, to, access: 'writer' };
      await alice.put(doc);
      assert.equal((await alice.settled(doc._id, ['sent', 'expired', 'error'])).error, undefined);
    }
    await invitationOf(bob, _id, ['received', 'expired']);
  }
  assert.equal(world.mail.to('victim@example.com').length, 2);
  assert.ok(world.mail.to('bob@example.com').filter(isInvited).length < 3);
});

test('one user\'s invitations are fifty an hour; the rest waits, and can be withdrawn', async () => {
  const docs = [];
  for (let i = 0; i < 60; i++)
    docs.push({ _id: `spam-${i}`, type: 'invitation', state: 'new', channel: channel._id, to: `stranger${i}@example.com`, access: 'reader' });
  await alice.device.request(`${alice.device.control}/_bulk_docs`, { method: 'POST', body: { docs } });
  const invited = async () => {
    const { body } = await alice.device.request(`${alice.device.control}/_all_docs?include_docs=true`);
    return body.rows.map(({ doc }) => doc).filter(({ type, state }) => type === 'invitation' && state !== 'new').length;
  };
  await waitFor(async () => await invited() >= 50, { what: 'the invitations that are allowed' });
  await sleep(2000);
  assert.equal(await invited(), 50);
  const { body: { rows } } = await alice.device.request(`${alice.device.control}/_all_docs?include_docs=true`);
  const waiting = rows.map(({ doc }) => doc).find(({ state }) => state === 'new');
  await alice.say(waiting, 'withdraw', ['withdrawn']);
  await sleep(1000);
  assert.equal((await alice.get(waiting._id)).state, 'withdrawn', 'and stays so');
  assert.equal(world.mail.to(waiting.to).length, 0);
});

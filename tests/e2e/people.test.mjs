// What an operator asks about a user, and does to a device: devices, channels, revoke.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { operatorCall } from '../lib/operator.mjs';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const call = (...args) => operatorCall(world.daemon, ...args);
const asked = async (...args) => JSON.parse((await call(...args, '--json')).stdout);

test('devices lists a user\'s devices by address or user id, pending ones too, and never a code or credential', async () => {
  const phone = await world.activate(world.device('lister@example.com', { name: 'Lister\u0007s phone' }));
  const laptop = world.device('Lister@EXAMPLE.com', { name: 'laptop' });
  laptop.mailbox = 'lister@example.com';  // mail to a known user goes to the address in the registry
  await world.register(laptop);
  const { user, devices } = await asked('devices', 'lister@example.com');
  assert.equal(user, phone.user);
  assert.deepEqual(devices.map(({ id, state }) => `${id} ${state}`).sort(), [`${phone.id} active`, `${laptop.id} confirming`].sort());
  assert.deepEqual(await asked('devices', phone.user), { user, devices });

  const { stdout } = await call('devices', 'lister@example.com');
  assert.ok(stdout.includes('Lister\\x07s phone'), stdout);
  for (const secret of [laptop.deviceCode, laptop.credential.derived_key, phone.credential.salt]) assert.ok(!stdout.includes(secret));
});

test('channels lists what a user owns and whether his devices follow it', async () => {
  const phone = await world.activate(world.device('owner@example.com'));
  const channel = await world.makeChannel(phone, { name: 'Fun Times' });
  const { channels } = await asked('channels', 'owner@example.com');
  const database = `${world.daemon.names.channel_prefix}${channel._id}`;
  assert.deepEqual(channels, [{ id: channel._id, name: 'Fun Times', state: 'ready', database, access: 'owner', subscription: 'active' }]);
  assert.match((await call('channels', 'owner@example.com')).stdout, /Fun Times.*subscription active/);
});

test('somebody unknown is told as that', async () => {
  for (const whose of ['nobody@example.com', 'no-such-user']) {
    const { code, stdout } = await call('devices', whose);
    assert.equal(code, 1);
    assert.match(stdout, /nobody is known as .*: give an e-mail address/);
  }
  assert.equal((await call('devices')).code, 2);
});

test('revoke locks a device out at once, without a daemon; the daemon then tells device and mailbox', async () => {
  const lost = await world.activate(world.device('loser@example.com', { name: 'lost' }));
  const kept = await world.activate(world.device('loser@example.com', { name: 'kept' }));
  await world.daemon.stop();
  const { code, stdout } = await call('revoke', lost.id, '--wipe');
  assert.equal(code, 0, stdout);
  assert.equal((await lost.request(lost.control)).status, 401);
  assert.equal((await kept.request(kept.control)).status, 200);

  world.daemon.start();
  await world.daemon.waitUntilReady();
  assert.equal((await lost.waitFor('revoked')).wipe, true);
  await world.seen(kept, lost.id, ({ state }) => state === 'revoked');
  await world.mail.next({ to: 'loser@example.com', subject: /signed out/ });
  assert.match((await call('revoke', lost.id)).stdout, /was revoked/);
});

test('revoke says why it cannot', async () => {
  const pending = await world.register(world.device('pending@example.com'));
  const { code, stdout } = await call('revoke', pending.id);
  assert.equal(code, 1);
  assert.match(stdout, /has no log-in: it is confirming/);
  const unknown = await call('revoke', 'f'.repeat(64));
  assert.equal(unknown.code, 1);
  assert.match(unknown.stdout, /no device has that id: see couchdb-channels devices/);
  await waitFor(async () => (await pending.read()).state === 'confirming');
});

// kill -9 at any moment of the loop: nothing is lost, no mail is a second one, the end is the same.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { linkIn } from '../lib/mail_sink.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
// The shortest lease: what a killed worker held is free again after it.
before(async () => { world = await startWorld({ channels: { lease: 30 } }); });
after(() => world?.close());

async function killAndStart(delay) {
  await sleep(delay);
  await world.daemon.kill();
  world.daemon.start();
  await world.daemon.waitUntilReady();
}

test('killed while registrations are on the way: each gets its mail, a repeat has the same Message-ID and code', async () => {
  const devices = Array.from({ length: 12 }, (_, n) => world.device(`kill-${n}@example.com`));
  for (const device of devices) {
    await device.register();
    await sleep(30);
    if (devices.indexOf(device) % 4 === 3) await killAndStart(40);
  }
  for (const device of devices) {
    await device.waitFor('confirming', { timeout: 60000 });
    const mails = world.mail.to(device.owner);
    assert.ok(mails.length >= 1);
    assert.equal(new Set(mails.map(({ headers }) => headers.get('message-id'))).size, 1);
    assert.equal(new Set(mails.map((mail) => linkIn(mail).code)).size, 1);
    [device.mail] = mails;
    device.link = linkIn(device.mail);
    device.deviceCode = (await device.read()).device_code;
  }
});

test('killed while confirms are on the way: each device becomes active and can log in', async () => {
  const devices = [];
  for (let n = 0; n < 8; n += 1) devices.push(await world.register(world.device(`confirm-${n}@example.com`)));
  for (const [n, device] of devices.entries()) {
    const doc = world.confirmOf(device);
    await world.stranger(`/${doc._id}`, { method: 'PUT', body: doc });
    if (n % 2 === 1) await killAndStart(n * 15);
  }
  for (const device of devices) {
    const active = await device.waitFor('active', { timeout: 60000 });
    assert.equal((await device.request(active.syncpoint)).status, 200);
    assert.equal((await device.request(`${active.syncpoint}/${device.id}`)).body.state, 'active');
  }
});

test('killed while a device is revoked: it ends revoked everywhere', async () => {
  const phone = await world.activate(world.device('end@example.com'));
  for (const delay of [0, 20, 50]) {
    const laptop = await world.activate(world.device('end@example.com', { name: `laptop ${delay}` }));
    await world.put(phone, { ...await world.get(phone, laptop.id), state: 'revoke' });
    await killAndStart(delay);
    await laptop.waitFor('revoked', { timeout: 60000 });
    await world.seen(phone, laptop.id, ({ state }) => state === 'revoked', { timeout: 60000 });
    assert.equal((await laptop.request(phone.control)).status, 401);
  }
});

test('the daemon waits while its server is away, and goes on', async (t) => {
  const own = await startWorld({ own: true });
  try {
    if (!own.server.stop || own.server.kind === 'external') return t.skip('needs a server of its own to stop');
    const device = await own.register(own.device('away@example.com'));
    await own.server.kill();
    await sleep(1500);
    await own.server.start();
    await own.activate(device);
    assert.equal(own.daemon.over, false);
    const before = own.daemon.output.split('\n').length;
    assert.ok(before < 60, `it does not flood the log:\n${own.daemon.output}`);
  } finally {
    await own.close();
  }
});

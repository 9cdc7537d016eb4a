// The doorbell in a user's control database: which writes ring it, how often, and that no restart loses a ring.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorld } from '../lib/world.mjs';

const BETWEEN_RINGS_MS = 10000;

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const doorbellOf = async (device) => await world.get(device, 'doorbell') ?? { channels: {} };
const writesOf = (doorbell) => Number((doorbell._rev ?? '0').split('-')[0]);

/** A user with a channel whose making has been rung, and whose next ring is not put off any more. */
async function userWithChannel(owner) {
  const device = await world.activate(world.device(owner));
  const channel = await world.makeChannel(device);
  await rungSince(device, channel, undefined);
  await sleep(BETWEEN_RINGS_MS + 2000);
  return { device, channel };
}

async function write(device, channel, id) {
  const { status } = await device.request(`${channel.syncpoint}/${id}`, { method: 'PUT', body: { id } });
  assert.equal(status, 201);
}

/** Waits until the channel's value differs from what it was. */
function rungSince(device, channel, value) {
  return world.seen(device, 'doorbell', ({ channels }) => channels[channel._id] !== value, { timeout: 60000, what: 'a ring' });
}

describe('the doorbell', { concurrency: 8 }, () => {
  test('is rung by a write to a channel, and names that channel', async () => {
    const { device, channel } = await userWithChannel('ring@example.com');
    const quiet = await world.makeChannel(device);
    await rungSince(device, quiet, undefined);
    await sleep(BETWEEN_RINGS_MS + 2000);
    const before = await doorbellOf(device);
    await write(device, channel, 'a');
    const { _rev, ...rung } = await rungSince(device, channel, before.channels[channel._id]);
    assert.equal(rung.type, 'doorbell');
    assert.match(rung.channels[channel._id], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(rung.channels[quiet._id], before.channels[quiet._id]);
  });

  test('is written at most once in ten seconds, whatever happens, and tells the last change, too', async () => {
    const { device, channel } = await userWithChannel('often@example.com');
    const before = await doorbellOf(device);
    const began = Date.now();
    for (let n = 0; Date.now() - began < 12000; n += 1) {
      await write(device, channel, `doc-${n}`);
      await sleep(300);
    }
    const ended = Date.now();
    const during = await doorbellOf(device);
    assert.ok(writesOf(during) > writesOf(before), 'the first change is told at once');
    const most = Math.ceil((ended - began) / BETWEEN_RINGS_MS);
    assert.ok(writesOf(during) - writesOf(before) <= most, `${writesOf(during) - writesOf(before)} writes in ${ended - began} ms`);
    const last = await rungSince(device, channel, during.channels[channel._id]);
    assert.ok(Date.parse(last.channels[channel._id]) >= Math.floor((ended - 1000) / 1000) * 1000, 'after the last write');
  });

  test('does not ring itself', async () => {
    const { device } = await userWithChannel('echo@example.com');
    const before = await doorbellOf(device);
    await sleep(BETWEEN_RINGS_MS + 5000);
    assert.equal((await doorbellOf(device))._rev, before._rev);
  });

  test('is silent about a paused channel', async () => {
    const { device, channel } = await userWithChannel('paused@example.com');
    const heard = await world.makeChannel(device);
    await rungSince(device, heard, undefined);
    const id = `${channel._id}-sub-${device.user}`;
    await world.put(device, { ...await world.get(device, id), state: 'paused' });
    const before = await doorbellOf(device);
    await write(device, channel, 'unheard');
    await sleep(1000);
    await write(device, heard, 'heard');
    const after = await rungSince(device, heard, before.channels[heard._id]);
    assert.equal(after.channels[channel._id], before.channels[channel._id]);
  });

  test('cannot be rung by a device', async () => {
    const { device } = await userWithChannel('forger@example.com');
    const doorbell = await doorbellOf(device);
    assert.equal((await world.put(device, { ...doorbell, state: 'x', channels: {} })).status, 403);
  });
});

test('a ring that was put off outlives the daemon', async () => {
  const { device, channel } = await userWithChannel('restart@example.com');
  const before = await doorbellOf(device);
  await write(device, channel, 'rings at once');
  const rung = await rungSince(device, channel, before.channels[channel._id]);
  await write(device, channel, 'rings later');
  await sleep(2500);  // it has been seen, and the checkpoints have been written
  assert.equal((await doorbellOf(device))._rev, rung._rev, 'put off');
  await world.daemon.kill();
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await rungSince(device, channel, rung.channels[channel._id]);
});

// How long a write takes from one device with clients/pouchdb to another, against one live PouchDB replication of one
// database on the same server in the same run.

import { setTimeout as sleep } from 'node:timers/promises';
import { PouchDB, makeChannels, newDevice, startBench } from './lib/devices.mjs';
import { percentile, row } from './lib/numbers.mjs';

export const title = 'A write from device to device';

// Longer than a channel stays live after its last change.
const ASLEEP_MS = 66000;

/** ms from each write until the other side has it; `pause` between writes. */
async function travelTimes(from, to, count, pause) {
  const times = [];
  const waiting = new Map();
  const feed = to.changes({ live: true, since: 'now' }).on('change', ({ id }) => waiting.get(id)?.());
  for (let n = 0; n < count; n += 1) {
    const _id = `travel-${Math.random().toString(36).slice(2)}`;
    const arrived = new Promise((resolve) => waiting.set(_id, resolve));
    const began = performance.now();
    await from.put({ _id, n });
    await arrived;
    times.push(performance.now() - began);
    await sleep(pause);
  }
  feed.cancel();
  return times;
}

async function bareTravelTimes({ server, relay, folder }, count) {
  const name = 'bench-bare';
  await server.request(`/${name}`, { method: 'PUT' });
  const auth = { username: server.user, password: server.password };
  const sides = ['a', 'b'].map((side) => new PouchDB(`${folder}/bare-${side}`));
  const syncs = sides.map((side) => side.sync(new PouchDB(`${relay.url}/${name}`, { auth, skip_setup: true }), { live: true, retry: true }));
  await sleep(2000);
  const times = await travelTimes(sides[0], sides[1], count, 100);
  for (const sync of syncs) sync.cancel();
  return times;
}

export async function measure({ server, quick }) {
  const writes = quick ? 30 : 300;
  const cold = quick ? 2 : 6;
  const bench = await startBench(server);
  const rows = [];
  const devices = [];
  try {
    for (const name of ['one', 'two']) devices.push(await newDevice(bench, name));
    await makeChannels(devices, 0, 1);
    const [from, to] = devices.map((device) => device.channel('channel 0'));
    const [ours, bare] = [await travelTimes(from, to, writes, 100), await bareTravelTimes(bench, writes)];
    for (const [name, share] of [['p50', 0.5], ['p99', 0.99]]) {
      const [here, there] = [percentile(ours, share), percentile(bare, share)];
      rows.push(row({ what: `in a channel that is in use, ${name} of ${writes}`, unit: 'ms', ours: here, bare: there, ratio: here / there }));
    }
    const asleep = [];
    for (let n = 0; n < cold; n += 1) {
      await sleep(ASLEEP_MS);
      asleep.push(...await travelTimes(from, to, 1, 0));
    }
    for (const [name, share] of [['p50', 0.5], ['p99', 0.99]]) rows.push(row({ what: `the first one after a minute's silence, ${name} of ${cold}`, unit: 'ms', ours: percentile(asleep, share) }));
    return { rows };
  } finally {
    for (const device of devices) await device.close();
    await bench.close();
  }
}

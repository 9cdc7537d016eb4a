// What an idle device with clients/pouchdb costs, by the number of its channels, against one live PouchDB replication for each
// channel, on the same server in the same run. It is watched for a minute, and the hour is reckoned from that plus its hourly
// looks, whose cost is measured by one look at all channels.

import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENT, PouchDB, channelsOf, makeChannels, newDevice, openDevice, startBench } from './lib/devices.mjs';
import { row } from './lib/numbers.mjs';
import { waitFor } from '../tests/lib/net.mjs';

export const title = 'An idle device';
// As the manager sets it on every node: a feed that is held open for ever would cost nothing.
export const config = { couchdb: { max_dbs_open: 5000 }, fabric: { changes_duration: '60000' } };

// Until nothing is live any longer.
const ASLEEP_MS = 75000;
const WATCHED_S = 70;  // more than one long-poll's time

/** What happens at the relay while nothing is written. */
async function watch(relay) {
  const before = relay.requests;
  let sockets = 0;
  for (let second = 0; second < WATCHED_S; second += 1) {
    await sleep(1000);
    sockets = Math.max(sockets, relay.sockets.size);
  }
  return { perHour: (relay.requests - before) * 3600 / WATCHED_S, sockets };
}

async function idleDevice({ relay }, device) {
  await sleep(ASLEEP_MS);
  const idle = await watch(relay);
  const before = relay.requests;
  await device.sync();
  const hourly = relay.requests - before;
  return { ...idle, perHour: idle.perHour + hourly, hourly };
}

async function idleLive({ server, relay, folder }, channels) {
  const auth = { username: server.user, password: server.password };
  const syncs = channels.map(({ id, database }) => new PouchDB(`${folder}/live-${id}`).sync(new PouchDB(`${relay.url}/${database}`, { auth, skip_setup: true }), { live: true, retry: true }));
  await sleep(10000 + channels.length * 50);
  const idle = await watch(relay);
  for (const sync of syncs) sync.cancel();
  await sleep(2000);
  return idle;
}

export async function measure({ server, quick }) {
  const bench = await startBench(server);
  const rows = [];
  let device;
  try {
    device = await newDevice(bench, 'one');
    let made = 0;
    for (const count of quick ? [1, 5] : [1, 20, 200]) {
      await makeChannels([device], made, count);
      made = count;
      const mine = await idleDevice(bench, device);
      const channels = channelsOf(device).map(({ id }) => ({ id, database: `${bench.daemon.names.channel_prefix}${id}` }));
      await device.close();
      const live = await idleLive(bench, channels);
      rows.push(row({ what: `requests, ${count} channels (${mine.hourly} of them for the hourly look)`, unit: 'an hour', ours: mine.perHour, bare: live.perHour, ratio: mine.perHour / live.perHour }));
      rows.push(row({ what: `sockets, ${count} channels`, unit: 'at most', ours: mine.sockets, bare: live.sockets, ratio: mine.sockets / live.sockets }));
      device = await openDevice(bench, 'one');
      await waitFor(() => device.status.online, PATIENT);
    }
    return { rows };
  } finally {
    await device?.close();
    await bench.close();
  }
}

// Two devices with clients/pouchdb: how long a write takes from one to the other, and what an idle device costs; against
// one live PouchDB replication a channel, on the same server in the same run. Requests and sockets are counted at a relay
// before the server. An idle device is watched for a minute, and the hour is reckoned from that plus its hourly looks,
// whose cost is measured by one look at all channels.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, Agent } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Channels from '../clients/pouchdb/index.js';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { YES, confirm, confirmDocument } from '../tests/lib/device.mjs';
import { LINK, linkIn, startMailSink } from '../tests/lib/mail_sink.mjs';
import { freePort, waitFor } from '../tests/lib/net.mjs';
import { percentile, row } from './lib/numbers.mjs';

export const title = 'Devices';
export const config = { couchdb: { max_dbs_open: 5000 } };

const require = createRequire(new URL('../tests/package.json', import.meta.url));
const PouchDB = require('pouchdb');
PouchDB.plugin(Channels);
PouchDB.setMaxListeners(5000);
const PATIENT = { timeout: 300000 };
const OWNER = 'bench@example.com';

/** Before the server: counts requests and open connections, passes all on. */
async function startRelay(target, port) {
  const upstream = new Agent({ keepAlive: true });
  const relay = { requests: 0, sockets: new Set() };
  const { hostname, port: targetPort } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    relay.requests += 1;
    const passed = httpRequest({ agent: upstream, hostname, port: targetPort, path: incoming.url, method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  server.on('connection', (socket) => {
    relay.sockets.add(socket);
    socket.on('close', () => relay.sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  relay.url = `http://127.0.0.1:${port}`;
  relay.close = () => { server.closeAllConnections?.(); server.close(); upstream.destroy(); };
  return relay;
}

async function newDevice({ relay, daemon, mail, folder }, name) {
  const device = await PouchDB.defaults({ prefix: `${folder}/${name}-` }).channels({ server: relay.url, handshake: daemon.names.handshake_db, name });
  const active = device.register({ owner: OWNER });
  const arrived = await mail.next({ to: OWNER, text: LINK });
  await waitFor(() => device.status.code, PATIENT);
  await confirm(daemon.handshake, confirmDocument({ ...linkIn(arrived), answer: YES, deviceCode: device.status.code }));
  await active;
  await waitFor(() => device.status.online, PATIENT);
  return device;
}

const channelsOf = (device) => device.channels().filter(({ state, subscription }) => state === 'ready' && subscription === 'active');

async function makeChannels(devices, from, to) {
  for (let n = from; n < to; n += 1) await devices[0].channel(`channel ${n}`).put({ _id: 'first' });
  for (const device of devices) await waitFor(() => channelsOf(device).length >= to, PATIENT);
  for (const device of devices) await device.sync();
}

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

/** What happens at the relay while nothing is written. */
async function watch(relay, seconds) {
  const before = relay.requests;
  let sockets = 0;
  for (let second = 0; second < seconds; second += 1) {
    await sleep(1000);
    sockets = Math.max(sockets, relay.sockets.size);
  }
  return { perHour: (relay.requests - before) * 3600 / seconds, sockets };
}

async function idleDevice({ relay }, device, seconds) {
  await sleep(75000);  // nothing is live any longer
  const idle = await watch(relay, seconds);
  const before = relay.requests;
  await device.sync();
  const hourly = relay.requests - before;
  return { ...idle, perHour: idle.perHour + hourly, hourly };
}

async function idleLive({ server, relay, folder }, channels, seconds) {
  const auth = { username: server.user, password: server.password };
  const syncs = channels.map(({ id, database }) => new PouchDB(`${folder}/live-${id}`).sync(new PouchDB(`${relay.url}/${database}`, { auth, skip_setup: true }), { live: true, retry: true }));
  await sleep(10000 + channels.length * 50);
  const idle = await watch(relay, seconds);
  for (const sync of syncs) sync.cancel();
  await sleep(2000);
  return idle;
}

export async function measure({ server, quick }) {
  const counts = quick ? [1, 5] : [1, 20, 200];
  const writes = quick ? 30 : 300;
  const cold = quick ? 2 : 6;
  const seconds = quick ? 60 : 70;  // more than one long-poll's time
  const folder = mkdtempSync(join(tmpdir(), 'channels-bench-'));
  const mail = await startMailSink();
  const relay = await startRelay(server.url, await freePort());
  const daemon = await startDaemon({ server, mail, channels: { public_url: `${relay.url}/` } });
  const bench = { server, relay, daemon, mail, folder };
  const rows = [];
  try {
    let device = await newDevice(bench, 'one');
    const other = await newDevice(bench, 'two');
    await makeChannels([device, other], 0, 1);
    const [from, to] = [device.channel('channel 0'), other.channel('channel 0')];
    const [ours, bare] = [await travelTimes(from, to, writes, 100), await bareTravelTimes(bench, writes)];
    for (const [name, share] of [['p50', 0.5], ['p99', 0.99]]) {
      const [here, there] = [percentile(ours, share), percentile(bare, share)];
      rows.push(row({ what: `a write arrives on the other device, in use, ${name}`, unit: 'ms', ours: here, bare: there, ratio: here / there }));
    }
    const asleep = [];
    for (let n = 0; n < cold; n += 1) {
      await sleep(66000);
      asleep.push(...await travelTimes(from, to, 1, 0));
    }
    for (const [name, share] of [['p50', 0.5], ['p99', 0.99]]) rows.push(row({ what: `the first write after a minute's silence, ${name} of ${cold}`, unit: 'ms', ours: percentile(asleep, share) }));
    await other.close();

    let made = 1;
    for (const count of counts) {
      await makeChannels([device], made, count);
      made = count;
      const mine = await idleDevice(bench, device, seconds);
      const channels = channelsOf(device).map(({ id }) => ({ id, database: `${daemon.names.channel_prefix}${id}` }));
      await device.close();
      const live = await idleLive(bench, channels, seconds);
      rows.push(row({ what: `requests of an idle device, ${count} channels (${mine.hourly} of them the hourly look)`, unit: 'an hour', ours: mine.perHour, bare: live.perHour, ratio: mine.perHour / live.perHour }));
      rows.push(row({ what: `sockets of an idle device, ${count} channels`, unit: 'at most', ours: mine.sockets, bare: live.sockets, ratio: mine.sockets / live.sockets }));
      device = await PouchDB.defaults({ prefix: `${folder}/one-` }).channels({ server: relay.url, handshake: daemon.names.handshake_db });
      await waitFor(() => device.status.online, PATIENT);
    }
    await device.close();
    return { rows };
  } finally {
    relay.close();
    await daemon.close();
    await mail.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

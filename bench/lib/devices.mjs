// Devices with clients/pouchdb, the daemon that they need, and a relay before the server that counts their requests and sockets.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, Agent } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Channels from '../../clients/pouchdb/index.js';
import { startDaemon } from '../../tests/lib/daemon.mjs';
import { YES, confirm, confirmDocument } from '../../tests/lib/device.mjs';
import { LINK, linkIn, startMailSink } from '../../tests/lib/mail_sink.mjs';
import { freePort, waitFor } from '../../tests/lib/net.mjs';

const require = createRequire(new URL('../../tests/package.json', import.meta.url));
export const PouchDB = require('pouchdb');
PouchDB.plugin(Channels);
PouchDB.setMaxListeners(5000);
export const PATIENT = { timeout: 300000 };
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

export function openDevice({ relay, daemon, folder }, name) {
  return PouchDB.defaults({ prefix: `${folder}/${name}-` }).channels({ server: relay.url, handshake: daemon.names.handshake_db, name });
}

/** Registered, confirmed, online. */
export async function newDevice(bench, name) {
  const { daemon, mail } = bench;
  const device = await openDevice(bench, name);
  const active = device.register({ owner: OWNER });
  const arrived = await mail.next({ to: OWNER, text: LINK });
  await waitFor(() => device.status.code, PATIENT);
  await confirm(daemon.handshake, confirmDocument({ ...linkIn(arrived), answer: YES, deviceCode: device.status.code }));
  await active;
  await waitFor(() => device.status.online, PATIENT);
  return device;
}

export const channelsOf = (device) => device.channels().filter(({ state, subscription }) => state === 'ready' && subscription === 'active');

export async function makeChannels(devices, from, to) {
  for (let n = from; n < to; n += 1) await devices[0].channel(`channel ${n}`).put({ _id: 'first' });
  for (const device of devices) await waitFor(() => channelsOf(device).length >= to, PATIENT);
  for (const device of devices) await device.sync();
}

/** {server, relay, daemon, mail, folder, close()}: the daemon's public_url is the relay's. */
export async function startBench(server) {
  const folder = mkdtempSync(join(tmpdir(), 'channels-bench-'));
  const mail = await startMailSink();
  const relay = await startRelay(server.url, await freePort());
  const daemon = await startDaemon({ server, mail, channels: { public_url: `${relay.url}/` } });
  const close = async () => {
    relay.close();
    await daemon.close();
    await mail.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { server, relay, daemon, mail, folder, close };
}

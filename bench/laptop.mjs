// role = device: the program's memory and CPU with 200 channels in sync, beside what CouchDB itself spends on the replications.
// The cloud has no daemon here: its databases and the device's log-in are made by hand, as one would leave them.

import { setTimeout as sleep } from 'node:timers/promises';
import { startCouch } from '../tests/lib/couch_server.mjs';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { newCredential, sha256 } from '../tests/lib/device.mjs';
import { waitFor } from '../tests/lib/net.mjs';
import { forEach, makeDatabase } from './lib/databases.mjs';
import { row } from './lib/numbers.mjs';
import { cpuSeconds, residentKb } from './lib/processes.mjs';

export const title = 'A laptop with all channels in sync';
export const config = { couchdb: { max_dbs_open: 10000 } };

const USER = 'a1';
const OWNER = 'alice@example.com';

async function makeCloud(cloud, names, count) {
  const { secret, verifier } = newCredential();
  const device = sha256(`${OWNER}\n${verifier.salt}\n${verifier.derived_key}`);
  const name = `device-${device}`;
  const control = `${names.control_prefix}${USER}`;
  const channels = Array.from({ length: count }, (_, n) => `channel${String(n).padStart(16, '0')}`);
  await cloud.request(`/_users/org.couchdb.user:${name}`, { method: 'PUT', body: { type: 'user', name, roles: [`user:${USER}`], ...verifier } });
  await makeDatabase(cloud, names.handshake_db);
  await makeDatabase(cloud, control);
  await forEach(channels, (id) => makeDatabase(cloud, `${names.channel_prefix}${id}`));
  const security = { admins: { names: [], roles: ['_admin'] }, members: { names: [], roles: [`user:${USER}`] } };
  await forEach([control, ...channels.map((id) => `${names.channel_prefix}${id}`)],
    (database) => cloud.request(`/${database}/_security`, { method: 'PUT', body: security }));
  const docs = channels.map((id) => ({
    _id: `${id}-sub-${USER}`, type: 'subscription', state: 'active', channel: id, syncpoint: `${cloud.url}/${names.channel_prefix}${id}`,
  }));
  await cloud.request(`/${control}/_bulk_docs`, { method: 'POST', body: { docs } });
  return {
    _id: 'pairing', type: 'pairing', state: 'active', cloud: `${cloud.url}/`, handshake: names.handshake_db, device, owner: OWNER, credential: verifier,
    secret, local_secret: newCredential().secret, allow_wipe: false, user: USER, control_database: control, syncpoint: `${cloud.url}/${control}`,
  };
}

async function running(laptop) {
  const { body } = await laptop.request('/_scheduler/docs/_replicator?limit=1000');
  return body.docs.filter(({ state }) => state === 'running').length;
}

export async function measure({ server: laptop, quick }) {
  const count = quick ? 20 : 200;
  const seconds = quick ? 20 : 120;
  const cloud = await startCouch({ own: true, config });
  const daemon = await startDaemon({ server: laptop, channels: { role: 'device' } });
  try {
    const idle = residentKb(daemon.child.pid) / 1024;
    const pairing = await makeCloud(cloud, daemon.names, count);
    await laptop.request(`/${daemon.names.registry_db}/pairing`, { method: 'PUT', body: pairing });
    await waitFor(async () => await running(laptop) === 2 * count + 2, { timeout: 900000, interval: 5000, what: 'all replications running' });
    await sleep(20000);
    const [ours, couch] = [cpuSeconds(daemon.child.pid), cpuSeconds(laptop.pid)];
    await sleep(seconds * 1000);
    const share = 100 * (cpuSeconds(daemon.child.pid) - ours) / seconds;
    const bare = 100 * (cpuSeconds(laptop.pid) - couch) / seconds;
    const memory = residentKb(daemon.child.pid) / 1024;
    return {
      rows: [
        row({ what: 'memory of the program, not paired', unit: 'MB', ours: idle }),
        row({ what: `memory of the program, ${count} channels in sync`, unit: 'MB', ours: memory, goal: 'under 64 MB', met: memory < 64 }),
        row({ what: `CPU of the program, ${count} channels in sync and quiet, beside the laptop's CouchDB`, unit: '% of a core', ours: share, bare }),
      ],
      detail: { jobs: 2 * count + 2 },
    };
  } finally {
    await daemon.close();
    await cloud.close();
  }
}

// The program itself with 5,000 control databases asleep: its CPU, memory, and the requests that it makes.

import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { waitFor } from '../tests/lib/net.mjs';
import { forEach, makeDatabase } from './lib/databases.mjs';
import { rounded, row } from './lib/numbers.mjs';
import { cpuByThread, cpuSeconds, residentKb } from './lib/processes.mjs';

export const title = 'Control databases asleep';
export const config = { couchdb: { max_dbs_open: 10000 } };

const QUIET_SHARE = 0.005;

async function makeUsers(server, daemon, count) {
  const users = Array.from({ length: count }, (_, n) => n.toString(16).padStart(32, '0'));
  for (let at = 0; at < count; at += 1000) {
    const docs = users.slice(at, at + 1000).map((user) => ({ _id: `user-${user}`, type: 'user', address: user }));
    await server.request(`/${daemon.names.registry_db}/_bulk_docs`, { method: 'POST', body: { docs } });
  }
  await forEach(users, (user) => makeDatabase(server, `${daemon.names.control_prefix}${user}`));
}

async function requestsSoFar(server) {
  const { body } = await server.request('/_node/_local/_stats/couchdb/httpd/requests');
  return body.value;
}

/** Until it has looked at all that is new. */
async function untilQuiet(pid) {
  await waitFor(async () => {
    const before = cpuSeconds(pid);
    await sleep(10000);
    return cpuSeconds(pid) - before < 10 * QUIET_SHARE;
  }, { timeout: 600000, interval: 0, what: 'a quiet daemon' });
}

export async function measure({ server, quick }) {
  const count = quick ? 200 : 5000;
  const seconds = quick ? 20 : 120;
  const daemon = await startDaemon({ server });
  try {
    await makeUsers(server, daemon, count);
    await untilQuiet(daemon.child.pid);
    await sleep(15000);
    const [cpu, requests] = [cpuSeconds(daemon.child.pid), await requestsSoFar(server)];
    const byThread = cpuByThread(daemon.child.pid);
    await sleep(seconds * 1000);
    const later = cpuByThread(daemon.child.pid);
    const share = 100 * (cpuSeconds(daemon.child.pid) - cpu) / seconds;
    const perMinute = (await requestsSoFar(server) - requests - 1) * 60 / seconds;
    return {
      rows: [
        row({ what: `CPU of the program, ${count} control databases asleep (over ${seconds} s)`, unit: '% of a core', ours: share, goal: 'under 0.1 %', met: share < 0.1 }),
        row({ what: 'requests that it makes', unit: 'a minute', ours: perMinute }),
        row({ what: 'its memory', unit: 'MB', ours: residentKb(daemon.child.pid) / 1024, goal: 'under 64 MB', met: residentKb(daemon.child.pid) < 64 * 1024 }),
      ],
      detail: { ms_a_minute: Object.fromEntries(Object.entries(later).map(([name, used]) => [name, rounded((used - (byThread[name] ?? 0)) * 60000 / seconds)])) },
    };
  } finally {
    await daemon.kill();
  }
}

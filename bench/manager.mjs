// The manager of os_daemons under load, in a node of its own: ten daemons with 1,000 messages a second each, and then as
// fast as they are read. What the node's clients feel is compared with the same node whose daemons sleep.

import { setTimeout as sleep } from 'node:timers/promises';
import { startAskers } from '../tests/manager/askers.mjs';
import { median, percentile, rounded, row } from './lib/numbers.mjs';
import { cpuSeconds, residentKb } from './lib/processes.mjs';

export const title = 'The manager with ten daemons';

const BETWEEN_MS = 5;
const SETTLE_MS = 1000;
const DATABASE = 'bench-manager';

/** Latencies (ms) of a read and a write in turn, until `done`. */
async function clients(server, done) {
  const [reads, writes] = [[], []];
  let ended = false;
  done.then(() => { ended = true; });
  for (let n = 0; !ended; n += 1) {
    for (const [samples, path, options] of [
      [reads, `/${DATABASE}/document`, {}],
      [writes, `/${DATABASE}`, { method: 'POST', body: { n } }],
    ]) {
      const began = performance.now();
      const { status } = await server.request(path, options);
      if (status >= 300) throw new Error(`${path}: ${status}`);
      samples.push(performance.now() - began);
    }
    await sleep(BETWEEN_MS);
  }
  return { reads, writes };
}

async function phase(askers, { mode, seconds }) {
  const { server } = askers;
  await askers.begin({ mode, seconds });
  // Until the daemons of the mode before are gone, and the new ones have asked how.
  await sleep(SETTLE_MS);
  const [cpu, began] = [cpuSeconds(server.pid), Date.now()];
  let results = [];
  const work = mode === 'idle' ? sleep(seconds * 1000) : askers.results({ timeout: 600000 }).then((all) => { results = all; });
  const latencies = await clients(server, work);
  await work;
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  return {
    ...latencies, asked: sum('asked'), lost: sum('asked') - sum('answered') + sum('wrong'), late: Math.max(0, ...results.map(({ late_ms }) => late_ms)),
    cpu: 100 * (cpuSeconds(server.pid) - cpu) / ((Date.now() - began) / 1000), memory: residentKb(server.pid) / 1024,
  };
}

/** Several phases of one mode as one. */
function together(phases) {
  const sum = (field) => phases.reduce((total, one) => total + one[field], 0);
  return {
    reads: phases.flatMap(({ reads }) => reads), writes: phases.flatMap(({ writes }) => writes), asked: sum('asked'), lost: sum('lost'),
    late: Math.max(...phases.map(({ late }) => late)), cpu: sum('cpu') / phases.length, memory: phases.at(-1).memory,
  };
}

// What the manager may add to the wait of a client of the node, in ms.
const MAY_ADD = { 0.5: 5, 0.99: 20 };

/** `isJudged`: the goals on the node's latency and memory hold for this load. */
function rowsOf(what, loaded, bare, { isJudged }) {
  const judged = (goal, met) => (isJudged ? { goal, met } : {});
  const latency = (samples, share) => (share === 0.5 ? median(samples) : percentile(samples, share));
  return [
    row({ what: `${what}: answers lost of ${loaded.asked}`, unit: '', ours: loaded.lost, goal: '0', met: loaded.lost === 0 }),
    row({ what: `${what}: the longest wait for an answer`, unit: 'ms', ours: loaded.late }),
    ...['reads', 'writes'].flatMap((kind) => [0.5, 0.99].map((share) => {
      const [ours, base] = [loaded, bare].map((side) => latency(side[kind], share));
      return row({
        what: `${what}: the node's ${kind}, ${share === 0.5 ? 'median' : '99 of 100'}`, unit: 'ms', ours, bare: base, more_ms: rounded(ours - base),
        ...judged(`at most ${MAY_ADD[share]} ms more`, ours - base <= MAY_ADD[share]),
      });
    })),
    row({ what: `${what}: CPU of the node`, unit: '% of a core', ours: loaded.cpu, bare: bare.cpu }),
    row({ what: `${what}: memory of the node`, unit: 'MB', ours: loaded.memory, bare: bare.memory, ratio: loaded.memory / bare.memory, ...judged('flat (below 1.5 times)', loaded.memory < 1.5 * bare.memory) }),
  ];
}

export async function measure({ quick }) {
  const [rounds, seconds] = quick ? [1, 3] : [3, 10];
  const askers = await startAskers();
  try {
    await askers.server.request(`/${DATABASE}`, { method: 'PUT' });
    await askers.server.request(`/${DATABASE}/document`, { method: 'PUT', body: {} });
    await phase(askers, { mode: 'idle', seconds: 3 });  // warms up
    // In turn, so that what else the machine does is in all of them.
    const phases = { idle: [], paced: [], flood: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const mode of Object.keys(phases)) phases[mode].push(await phase(askers, { mode, seconds }));
    }
    const [bare, paced, flood] = Object.values(phases).map(together);
    bare.memory = phases.idle[0].memory;
    return { rows: [...rowsOf('1,000 messages a second each', paced, bare, { isJudged: true }), ...rowsOf('as fast as they are read', flood, bare, { isJudged: false })] };
  } finally {
    await askers.close();
  }
}

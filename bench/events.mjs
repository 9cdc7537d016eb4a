// What one event costs by how many databases sleep: a document is written into one of them, the engine wakes it, changes the
// state, and it sleeps again. It must not depend on the others' number.

import { setTimeout as sleep } from 'node:timers/promises';
import { forEach, makeDatabase, newTag, putJob } from './lib/databases.mjs';
import { rounded, row } from './lib/numbers.mjs';
import { cpuSeconds } from './lib/processes.mjs';
import { startEngine } from './lib/programs.mjs';

export const title = 'Cost of an event by the number of sleeping databases';
export const config = { couchdb: { max_dbs_open: 10000 } };

// The engine keeps who was active lately awake for some seconds: each event wakes another database.
const BETWEEN_MS = 30;
const FLAT = 1.5;

const total = (requests) => Object.values(requests).reduce((sum, number) => sum + number, 0);

async function events(server, engine, names, count) {
  const step = names.length / count;
  await engine.expect(Math.min(count, names.length));
  const serverCpu = server.pid ? cpuSeconds(server.pid) : 0;
  for (let n = 0; n < Math.min(count, names.length); n += 1) {
    await putJob(server, names[Math.floor(n * Math.max(step, 1))], Date.now() * 1000 + n);
    await sleep(BETWEEN_MS);
  }
  await engine.saved();
  await engine.quiet(3000);
  const numbers = await engine.stats();
  const done = Math.min(count, names.length);
  return {
    databases: names.length, events: done, cpu_ms: rounded(1000 * numbers.cpu / done), requests: rounded(total(numbers.requests) / done),
    server_cpu_ms: server.pid ? rounded(1000 * (cpuSeconds(server.pid) - serverCpu) / done) : undefined,
  };
}

export async function measure({ server, quick }) {
  const sizes = quick ? [50, 100, 200] : [100, 500, 1000, 2000, 5000];
  const tag = newTag();
  const engine = await startEngine(server, ['--registry', `${tag}-registry`, '--prefix', `${tag}-control-`]);
  await engine.start(1);
  const names = [];
  const table = [];
  for (const size of sizes) {
    const more = Array.from({ length: size - names.length }, (_, n) => `${tag}-control-${names.length + n}`);
    await forEach(more, (name) => makeDatabase(server, name));
    names.push(...more);
    await engine.quiet(8000, 300000);
    table.push(await events(server, engine, names, quick ? 50 : 100));
    // As many events again: the later of two is not the one that warms anything up.
    await engine.quiet(8000, 300000);
    table[table.length - 1] = await events(server, engine, names, quick ? 50 : 400);
  }
  await engine.end();
  const [first, last] = [table[0], table.at(-1)];
  const growth = last.cpu_ms / first.cpu_ms;
  return {
    rows: [
      ...table.map(({ databases, cpu_ms: ours }) => row({ what: `CPU of the engine an event, ${databases} databases asleep`, unit: 'ms', ours })),
      row({ what: `growth of that from ${first.databases} to ${last.databases} databases`, unit: 'times', ours: growth, goal: `flat (below ${FLAT} times)`, met: growth < FLAT }),
    ],
    detail: { table },
  };
}

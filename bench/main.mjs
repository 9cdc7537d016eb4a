// make bench: every figure against the raw server in the same run.
//   node bench/main.mjs [--only NAME] [--quick] [--build DIR]
// NAME is a file of this folder: transitions, databases, reaction, workflows, memory, idle, events, devices, idle_devices, laptop, handlers, manager, invitations, groups, rollout, ways_to_read. The
// figures go to DIR/bench/results.json, where those of an earlier run stay for what isn't measured now;
// bench/tables.mjs makes docs/performance.md's tables and plot of it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean', default: false }, build: { type: 'string' } } });
if (values.build) process.env.CHANNELS_BUILD = resolve(values.build);
// Loaded after that: they look for the programs there.
const { BUILD } = await import('./lib/programs.mjs');
process.env.CHANNELS_PROGRAM ??= join(BUILD, 'couchdb-channels');
const { print } = await import('./lib/numbers.mjs');
const { startCouch } = await import('../tests/lib/couch_server.mjs');

const ALL = ['transitions', 'databases', 'reaction', 'workflows', 'memory', 'idle', 'events', 'devices', 'idle_devices', 'laptop', 'handlers', 'manager', 'invitations', 'groups', 'rollout'];
const FILE = join(BUILD, 'bench', 'results.json');

function machine(server) {
  const [{ model }] = cpus();
  return {
    server: server.name, cpu: model.trim(), cores: cpus().length, memory_gb: Math.round(totalmem() / 2 ** 30),
    node: process.version, date: new Date().toISOString().slice(0, 10),
  };
}

function keep(name, result) {
  const results = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  results[name] = result;
  mkdirSync(join(BUILD, 'bench'), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
}

async function measure(name) {
  const { title, measure: measured, config } = await import(`./${name}.mjs`);
  // A server of its own each: what one leaves behind is not the next one's load.
  const server = await startCouch({ own: true, config });
  try {
    console.log(`${title} (${server.name}${server.embedded ? ': NOT CouchDB, these figures mean little' : ''})`);
    const result = await measured({ server, quick: values.quick });
    for (const row of result.rows) print(row);
    keep(name, { ...result, quick: values.quick, machine: machine(server) });
    return result.rows;
  } finally {
    await server.close();
  }
}

const rows = [];
for (const name of values.only ?? ALL) rows.push(...await measure(name));
const judged = rows.filter(({ met }) => met !== undefined);
console.log(`${judged.filter(({ met }) => met).length} of ${judged.length} goals met; all figures in ${FILE}`);
process.exit(0);

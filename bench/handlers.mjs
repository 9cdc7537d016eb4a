// Handler programs that do nothing but the next state: transitions a second through Node and Python beside the same rule
// built in and the bare client, what a run costs more, what a program costs in memory and at its start, and twenty at once.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { appFolder } from '../tests/lib/app_folder.mjs';
import { newNames, startDaemon } from '../tests/lib/daemon.mjs';
import { countDone, filledDatabase, jobDocument, makeDatabase, newTag, removeDatabases } from './lib/databases.mjs';
import { median, percentile, rounded, row } from './lib/numbers.mjs';
import { residentKb } from './lib/processes.mjs';
import { run, startEngine } from './lib/programs.mjs';

export const title = 'Handler programs';

const PYTHON_KIT = fileURLToPath(new URL('../clients/handlers-python', import.meta.url));

function programs() {
  const source = mkdtempSync(join(tmpdir(), 'channels-bench-'));
  writeFileSync(join(source, 'safe.mjs'), "import { control } from 'couchdb-channels-handlers';\ncontrol.safe('job', 'new', (doc) => ({ ...doc, state: 'done' }));\n");
  writeFileSync(join(source, 'safe.py'), `import sys\nsys.path.insert(0, ${JSON.stringify(PYTHON_KIT)})\nfrom couchdb_channels import control, run\n`
    + 'control.safe("job", "new")(lambda doc, ctx: {**doc, "state": "done"})\nrun()\n');
  const folder = appFolder(source);
  rmSync(source, { recursive: true });
  return { folder, node: `${process.execPath} ${join(folder, 'safe.mjs')}`, python: `python3 ${join(folder, 'safe.py')}` };
}

async function transitions(server, count, args) {
  const registry = `${newTag()}-registry`;
  const name = await filledDatabase(server, `${newTag()}-jobs`, count);
  try {
    const engine = await startEngine(server, ['--registry', registry, '--pinned', name, ...args]);
    await engine.start(count);
    const { seconds } = await engine.saved();
    await engine.end();
    if (await countDone(server, name) !== count) throw new Error('not all are done');
    return count / seconds;
  } finally {
    await removeDatabases(server, [name, registry]);
  }
}

async function bare(server, count) {
  const name = await filledDatabase(server, `${newTag()}-jobs`, count);
  const { seconds } = await run(server, 'bare_client', ['bulk', name, count, 1000, 1]);
  await removeDatabases(server, [name]);
  return count / seconds;
}

/**
 * Milliseconds from a document written to its next state seen, one after the other; built in and each program in turn, round by round, so that
 * what else the machine does meets all alike. For each program the median of the rounds' differences.
 */
async function latencies(server, { samples, rounds, ways, flags }) {
  const rows = [];
  const taken = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, args] of Object.entries(ways)) taken[name].push(await latenciesOf(server, samples, [...args, ...flags]));
  }
  const mode = flags.length > 0 ? 'unsafe' : 'safe';
  for (const name of ['Node', 'Python']) {
    for (const share of [0.5, 0.99]) {
      const [ours, theirs] = [taken[name], taken['built in']].map((all) => all.map((times) => percentile(times, share)));
      rows.push(row({
        what: `one document, ${mode}, ${name} ("bare": built in), p${share * 100}`, unit: 'ms', ours: median(ours), bare: median(theirs),
        more_ms: rounded(median(ours.map((time, round) => time - theirs[round]))),
      }));
    }
  }
  return rows;
}

async function latenciesOf(server, samples, args) {
  const registry = `${newTag()}-registry`;
  const name = await makeDatabase(server, `${newTag()}-jobs`);
  const engine = await startEngine(server, ['--registry', registry, '--pinned', name, ...args]);
  await engine.start(samples);
  const times = [];
  for (let n = 0; n < samples; n += 1) {
    const doc = jobDocument(n);
    const began = performance.now();
    const { body: { rev } } = await server.request(`/${name}/${doc._id}`, { method: 'PUT', body: doc });
    for (let now = rev; now === rev;) now = (await server.request(`/${name}/${doc._id}`)).body._rev;
    times.push(performance.now() - began);
  }
  await engine.end();
  await removeDatabases(server, [name, registry]);
  return times;
}

async function untilReady(command) {
  const began = performance.now();
  const [program, ...args] = command.split(' ');
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, COUCHDB_URL: 'http://127.0.0.1:1/' } });
  await new Promise((resolve) => { child.stdout.on('data', (chunk) => { if (String(chunk).includes('"ready"')) resolve(); }); });
  const ms = performance.now() - began;
  const kb = residentKb(child.pid);
  child.kill('SIGKILL');
  return { ms, kb };
}

/** The daemon's own memory, and what all of its programs have beside it. */
function memoryOf(pid) {
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean));
  return { kb: residentKb(pid), programsKb: children.reduce((sum, child) => sum + residentKb(child), 0) };
}

// Cheap as long as it is not: two updates of each document.
async function isWorkedOff(server, name, each) {
  const { body } = await server.request(`/${name}`);
  return parseInt(body.update_seq, 10) >= 2 * each && await countDone(server, name) === each;
}

async function twenty(server, command, each) {
  const names = newNames();
  const tag = names.handshake_db.split('-')[0];
  const sections = { channels_handlers: {} };
  const began = performance.now();
  for (let n = 0; n < 20; n += 1) {
    sections.channels_handlers[`p${n}`] = command;
    sections[`channels_handler.p${n}`] = { databases: `${tag}-p${n}` };
  }
  const daemon = await startDaemon({ server, names, sections });
  const ready = performance.now() - began;
  const databases = Array.from({ length: 20 }, (_, n) => `${tag}-p${n}`);
  const filled = performance.now();
  await Promise.all(databases.map((name) => filledDatabase(server, name, each)));
  for (const left = new Set(databases); left.size > 0;) {
    for (const name of left) if (await isWorkedOff(server, name, each)) left.delete(name);
  }
  const speed = (20 * each) / ((performance.now() - filled) / 1000);
  const memory = memoryOf(daemon.child.pid);
  await daemon.close();
  return { ready, speed, ...memory };
}

export async function measure({ server, quick }) {
  const { folder, node, python } = programs();
  try {
    const ways = { 'built in': [], Node: ['--program', node], Python: ['--program', python] };
    const rows = [];
    for (const [mode, count, flags] of [['safe', quick ? 5000 : 20000, []], ['unsafe', quick ? 300 : 1000, ['--unsafe']]]) {
      const speeds = { 'built in': [], Node: [], Python: [], bare: [] };
      for (let round = 0; round < (quick ? 2 : 5); round += 1) {
        for (const [name, args] of Object.entries(ways)) speeds[name].push(await transitions(server, count, [...args, ...flags]));
        speeds.bare.push(await bare(server, count));
      }
      for (const name of ['Node', 'Python']) {
        const ratio = median(speeds[name].map((speed, round) => speed / speeds['built in'][round]));
        const judged = name === 'Node';
        rows.push(row({
          what: `${count} ${mode} transitions, ${name} ("bare": built in)`, unit: 'documents/s', ours: median(speeds[name]), bare: median(speeds['built in']), ratio,
          goal: judged ? 'at least 0.8' : 'reported', met: judged ? ratio >= 0.8 : undefined,
        }));
      }
      // Unsafe ones, too, against what the server takes in batches: a lease has its price.
      for (const name of Object.keys(ways)) {
        rows.push(row({ what: `${count} ${mode} transitions, ${name}, against the bare limit`, unit: 'documents/s', ours: median(speeds[name]), bare: median(speeds.bare), ratio: median(speeds[name]) / median(speeds.bare) }));
      }
    }
    const [samples, rounds] = quick ? [20, 3] : [60, 5];
    for (const flags of [[], ['--unsafe']]) rows.push(...await latencies(server, { samples, rounds, ways, flags }));
    for (const [name, command] of [['Node', node], ['Python', python]]) {
      const { ms, kb } = await untilReady(command);
      rows.push(row({ what: `a ${name} program, until it is ready`, unit: 'ms', ours: ms }), row({ what: `a ${name} program, memory`, unit: 'MB', ours: kb / 1024 }));
    }
    for (const [name, command] of [['Node', node], ['Python', python]]) {
      const all = await twenty(server, command, quick ? 100 : 1000);
      rows.push(
        row({ what: `20 ${name} programs, until the daemon is ready`, unit: 'ms', ours: all.ready }),
        row({ what: `20 ${name} programs, each with a database being filled`, unit: 'documents/s', ours: all.speed }),
        row({ what: `20 ${name} programs, memory of all`, unit: 'MB', ours: all.programsKb / 1024 }),
        row({ what: `the daemon with 20 ${name} programs, memory`, unit: 'MB', ours: all.kb / 1024 }),
      );
    }
    return { rows, detail: {} };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

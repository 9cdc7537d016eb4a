// Many control-like databases with one new document each: the engine (which has to find out which they are) against a
// bare client that is told the list, with as many requests at once as the engine's pool. Once while the engine runs, as
// in a busy second: it is held still (SIGSTOP) until all documents are there, so that both begin with all of the work;
// and once right after its start, when it knows nothing of them yet and reads the mark of each (daemon/engine/local_mark.h).
// Without validation functions: their JavaScript costs either side some 30 ms a database, and would hide the difference.

import { forEach, makeDatabase, newTag, numbersTo, putJob, removeDatabases, updateSeqs } from './lib/databases.mjs';
import { median, rounded, row } from './lib/numbers.mjs';
import { run, startEngine } from './lib/programs.mjs';

export const title = 'Many databases with one new document each';
// As any server of that many users would have it.
export const config = { couchdb: { max_dbs_open: 5000 } };

const POOL = 4;  // threads of the engine that have a request under way, EngineSizes::pool

class Population {
  constructor(server, count) {
    Object.assign(this, { server, tag: newTag(), count, written: 0 });
    this.names = [...numbersTo(count)].map((n) => `${this.tag}-control-${n}`);
    this.registry = `${this.tag}-registry`;
  }

  async make() {
    await makeDatabase(this.server, this.registry);
    await forEach(this.names, (name) => makeDatabase(this.server, name));
  }

  async writeOneEach() {
    this.written += 1;
    this.seqs = await updateSeqs(this.server, this.names);
    await forEach(this.names, (name) => putJob(this.server, name, this.written));
  }
}

function startOurs(server, { registry, tag }) {
  return startEngine(server, ['--registry', registry, '--prefix', `${tag}-control-`]);
}

/** From its start on, with documents that are there already. */
async function afterStart(population) {
  const engine = await startOurs(population.server, population);
  await engine.start(population.count);
  const saved = await engine.saved();
  await engine.quiet(3000);
  return { engine, ...saved };
}

/** Of an engine that was quiet: from the moment that it goes on. */
async function whileRunning(engine, population) {
  await engine.expect(population.count);
  const expected = performance.now();
  process.kill(engine.pid, 'SIGSTOP');
  try {
    await population.writeOneEach();
  } finally {
    process.kill(engine.pid, 'SIGCONT');
  }
  const held = (performance.now() - expected) / 1000;
  const saved = await engine.saved();
  const quiet = await engine.quiet(3000);
  return { ...saved, seconds: saved.seconds - held, settled: quiet.seconds - held, settledRequests: quiet.requests };
}

async function bare({ server, names, seqs, tag }) {
  const registry = await makeDatabase(server, `${tag}-bare-${Date.now()}`);
  const list = names.map((name, n) => `${name} ${seqs[n]}\n`).join('');
  const numbers = await run(server, 'bare_client', ['databases', registry, POOL], list);
  await removeDatabases(server, [registry]);
  return numbers;
}

export async function measure({ server, quick }) {
  const count = quick ? 200 : 2000;
  const rounds = quick ? 2 : 3;
  const [ourPopulation, barePopulation] = [new Population(server, count), new Population(server, count)];
  for (const population of [ourPopulation, barePopulation]) await population.make();
  // Let it see the new databases, bring them up, and write their checkpoints: a restart with old ones is what is measured.
  await ourPopulation.writeOneEach();
  await (await afterStart(ourPopulation)).engine.end();
  await ourPopulation.writeOneEach();
  const { engine, ...started } = await afterStart(ourPopulation);
  const results = [];
  for (let round = 0; round < rounds; round += 1) {
    await barePopulation.writeOneEach();
    const first = round % 2 ? null : await whileRunning(engine, ourPopulation);
    const bareNumbers = await bare(barePopulation);
    const ourNumbers = first ?? await whileRunning(engine, ourPopulation);
    results.push({ ours: ourNumbers, bare: bareNumbers });
  }
  await engine.end();
  const perSecond = (times) => count / median(times);
  const ratio = median(results.map(({ ours: o, bare: b }) => b.seconds / o.seconds));
  const bareSpeed = perSecond(results.map(({ bare: b }) => b.seconds));
  const rows = [
    row({
      what: `${count} databases, one new document each`, unit: 'databases/s', ours: perSecond(results.map(({ ours: o }) => o.seconds)),
      bare: bareSpeed, ratio, goal: 'at least 0.9', met: ratio >= 0.9,
    }),
    row({ what: 'the same right after the engine\'s start', unit: 'databases/s', ours: count / started.seconds, bare: bareSpeed }),
    row({ what: 'until all rows of own saves are read, too', unit: 'databases/s', ours: perSecond(results.map(({ ours: o }) => o.settled)) }),
    row({ what: 'CPU of the engine per 1,000 databases', unit: 's', ours: median(results.map(({ ours: o }) => o.cpu)) * 1000 / count }),
  ];
  const last = results.at(-1).ours;
  return {
    rows,
    detail: {
      requests: last.requests, settled_requests: last.settledRequests, requests_after_start: started.requests,
      rounds: results.map(({ ours: o, bare: b }) => ({ ours: rounded(o.seconds), settled: rounded(o.settled), bare: rounded(b.seconds) })),
    },
  };
}

// Many control-like databases with one new document each, as after a restart or a busy second: the engine (which has to
// find out which they are) against a bare client that is told the list, with as many requests at once as the engine's pool.
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

async function ours(population) {
  const { server, registry, tag, count } = population;
  const engine = await startEngine(server, ['--registry', registry, '--prefix', `${tag}-control-`]);
  await engine.start(count);
  const saved = await engine.saved();
  const quiet = await engine.quiet(3000);
  await engine.end();
  return { ...saved, settled: quiet.seconds, settledRequests: quiet.requests };
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
  await ours(ourPopulation);
  const results = [];
  for (let round = 0; round < rounds; round += 1) {
    await ourPopulation.writeOneEach();
    await barePopulation.writeOneEach();
    const first = round % 2 ? null : await ours(ourPopulation);
    const bareNumbers = await bare(barePopulation);
    const ourNumbers = first ?? await ours(ourPopulation);
    results.push({ ours: ourNumbers, bare: bareNumbers });
  }
  const perSecond = (times) => count / median(times);
  const ratio = median(results.map(({ ours: o, bare: b }) => b.seconds / o.seconds));
  const rows = [
    row({
      what: `${count} databases, one new document each`, unit: 'databases/s', ours: perSecond(results.map(({ ours: o }) => o.seconds)),
      bare: perSecond(results.map(({ bare: b }) => b.seconds)), ratio, goal: 'at least 0.9', met: ratio >= 0.9,
    }),
    row({ what: 'until all rows of own saves are read, too', unit: 'databases/s', ours: perSecond(results.map(({ ours: o }) => o.settled)) }),
    row({ what: 'CPU of the engine per 1,000 databases', unit: 's', ours: median(results.map(({ ours: o }) => o.cpu)) * 1000 / count }),
  ];
  const last = results.at(-1).ours;
  return {
    rows,
    detail: {
      requests: last.requests, settled_requests: last.settledRequests,
      rounds: results.map(({ ours: o, bare: b }) => ({ ours: rounded(o.seconds), settled: rounded(o.settled), bare: rounded(b.seconds) })),
    },
  };
}

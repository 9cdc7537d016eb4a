// 20,000 safe transitions in one database: the engine against a bare client in its best form, and against one PUT per
// document, 32 at a time. Interleaved; every run has a fresh database, filled alike.

import { countDone, filledDatabase, newTag, removeDatabases } from './lib/databases.mjs';
import { median, rounded, row } from './lib/numbers.mjs';
import { run, startEngine } from './lib/programs.mjs';

export const title = 'Safe transitions in one database';

const BATCHES = [100, 200, 500, 1000, 2000];
const WRITERS = [0, 1, 2];

async function onFreshDatabase(server, count, job) {
  const name = await filledDatabase(server, `${newTag()}-jobs`, count);
  try {
    const numbers = await job(name);
    const done = await countDone(server, name);
    if (done !== count) throw new Error(`${done} of ${count} documents are done`);
    return numbers;
  } finally {
    await removeDatabases(server, [name]);
  }
}

function bareBulk(server, count, { batch, writers }) {
  return onFreshDatabase(server, count, (name) => run(server, 'bare_client', ['bulk', name, count, batch, writers]));
}

async function ours(server, count) {
  const registry = `${newTag()}-registry`;
  const numbers = await onFreshDatabase(server, count, async (name) => {
    const engine = await startEngine(server, ['--registry', registry, '--pinned', name]);
    await engine.start(count);
    const saved = await engine.saved();
    const quiet = await engine.quiet(1000);
    await engine.end();
    return { ...saved, settled: quiet.seconds, settledCpu: quiet.cpu };
  });
  await removeDatabases(server, [registry]);
  return numbers;
}

/** The best of all batch sizes and numbers of writers, the most promising ones tried again. */
async function bestForm(server, count, quick) {
  const forms = (quick ? [500, 1000] : BATCHES).flatMap((batch) => WRITERS.map((writers) => ({ batch, writers, times: [] })));
  for (const form of forms) form.times.push((await bareBulk(server, count, form)).seconds);
  forms.sort((a, b) => a.times[0] - b.times[0]);
  for (const form of forms.slice(0, 3)) form.times.push((await bareBulk(server, count, form)).seconds);
  forms.sort((a, b) => median(a.times) - median(b.times));
  return { best: forms[0], tried: forms.map(({ batch, writers, times }) => ({ batch, writers, per_second: Math.round(count / median(times)) })) };
}

export async function measure({ server, quick }) {
  const count = quick ? 5000 : 20000;
  const rounds = quick ? 2 : 5;
  const { best, tried } = await bestForm(server, count, quick);
  console.log(`  best bare form: ${best.batch} a batch, ${best.writers} writers beside the reader`);
  const engine = [];
  const bare = [];
  const puts = [];
  for (let round = 0; round < rounds; round += 1) {
    engine.push(await ours(server, count));
    bare.push((await bareBulk(server, count, best)).seconds);
    if (round < 2) {
      const putCount = count / 4;
      const { seconds } = await onFreshDatabase(server, putCount, (name) => run(server, 'bare_client', ['puts', name, putCount, 32]));
      puts.push(seconds * 4);
    }
  }
  const perSecond = (times) => count / median(times);
  const oursPerSecond = perSecond(engine.map(({ seconds }) => seconds));
  const ratio = median(engine.map(({ seconds }, round) => bare[round] / seconds));
  const rows = [
    row({
      what: `${count} transitions, best bare client (_bulk_docs)`, unit: 'documents/s', ours: oursPerSecond, bare: perSecond(bare), ratio, goal: 'at least 0.9', met: ratio >= 0.9,
    }),
    row({
      what: `${count} transitions, one PUT each, 32 at a time`, unit: 'documents/s', ours: oursPerSecond, bare: perSecond(puts),
      ratio: oursPerSecond / perSecond(puts), goal: 'at least 8 times', met: oursPerSecond / perSecond(puts) >= 8,
    }),
    row({
      what: 'the same of the best bare client: what there is to be had', unit: 'documents/s', ours: perSecond(bare), bare: perSecond(puts),
      ratio: perSecond(bare) / perSecond(puts),
    }),
    row({
      what: 'until the engine has read the rows of its own saves, too', unit: 'documents/s', ours: perSecond(engine.map(({ settled }) => settled)),
    }),
    row({
      what: 'CPU of the engine per 10,000 transitions', unit: 's', ours: median(engine.map(({ cpu }) => cpu)) * 10000 / count,
    }),
  ];
  return { rows, detail: { best: { batch: best.batch, writers: best.writers }, tried, requests: engine.at(-1).requests, rounds: engine.map(({ seconds }, n) => ({ ours: rounded(seconds), bare: rounded(bare[n]) })) } };
}

// How long an idle system takes from a document written to its state changed; bench_reaction.cc says how it is measured.

import { forEach, makeDatabase, newTag, numbersTo } from './lib/databases.mjs';
import { percentile, rounded, row } from './lib/numbers.mjs';
import { run } from './lib/programs.mjs';

export const title = 'Reaction on an idle system';
export const config = { couchdb: { max_dbs_open: 5000 } };

function rows(what, { ours, bare }, most) {
  return [0.5, 0.99].map((share) => {
    const [o, b] = [percentile(ours, share), percentile(bare, share)];
    const isJudged = share === 0.5;
    return row({
      what: `${what}, p${share * 100}`, unit: 'ms', ours: o, bare: b, ratio: b / o,
      goal: isJudged ? `at most ${most} ms more` : 'reported', met: isJudged ? o - b <= most : undefined, more_ms: rounded(o - b),
    });
  });
}

export async function measure({ server, quick }) {
  const samples = quick ? 50 : 300;
  const tag = newTag();
  const [hotOurs, hotBare] = [await makeDatabase(server, `${tag}-hot-ours`), await makeDatabase(server, `${tag}-hot-bare`)];
  const hot = await run(server, 'bench_reaction', ['hot', `${tag}-registry-hot`, hotOurs, hotBare, samples]);
  await forEach(numbersTo(samples), async (n) => {
    await makeDatabase(server, `${tag}-asleep-ours-${n}`);
    await makeDatabase(server, `${tag}-asleep-bare-${n}`);
  });
  const asleep = await run(server, 'bench_reaction', ['sleeping', `${tag}-registry-asleep`, `${tag}-asleep-ours-`, `${tag}-asleep-bare-`, samples]);
  return {
    rows: [...rows(`a database in the hot set (${samples} samples)`, hot, 5), ...rows(`a sleeping database (${samples} samples)`, asleep, 20)],
    detail: Object.fromEntries(Object.entries({ hot, asleep }).map(([name, { ours, bare }]) => [name, {
      ours: [0.1, 0.5, 0.9, 0.99].map((share) => rounded(percentile(ours, share))), bare: [0.1, 0.5, 0.9, 0.99].map((share) => rounded(percentile(bare, share))),
    }])),
  };
}

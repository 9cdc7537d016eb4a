// The engine's memory while it works at a backlog: none, 20,000, a million, and one of 64 kB documents. It may work for a
// bounded time; a backlog is worked off from its beginning, so nothing new would come later.

import { filledDatabase, makeDatabase, newTag, removeDatabases } from './lib/databases.mjs';
import { row } from './lib/numbers.mjs';
import { startEngine } from './lib/programs.mjs';

export const title = 'Memory of the engine by backlog';

const LIMIT_MB = 64;
const WORK_MS = 60000;

async function peak(server, count, form, workMs) {
  const tag = newTag();
  const name = `${tag}-jobs`;
  if (count > 0) await filledDatabase(server, name, count, form);
  else await makeDatabase(server, name);
  const engine = await startEngine(server, ['--registry', `${tag}-registry`, '--pinned', name]);
  await engine.start(Math.max(count, 1));
  const numbers = await engine.savedWithin(count > 0 ? workMs : 10000);
  await engine.end();
  await removeDatabases(server, [name, `${tag}-registry`]);
  return { ...numbers, mb: numbers.peak_rss / 1024 };
}

export async function measure({ server, quick }) {
  const backlogs = quick
    ? [[0], [5000], [50000], [500, { bytes: 64000, batch: 100 }]]
    : [[0], [20000], [1000000], [4000, { bytes: 64000, batch: 100 }]];
  const rows = [];
  const requests = {};
  for (const [count, form] of backlogs) {
    const numbers = await peak(server, count, form, quick ? 10000 : WORK_MS);
    const what = `backlog of ${count}${form ? ' documents of 64 kB' : ''}: peak (${numbers.saved} done in ${numbers.seconds.toFixed(0)} s)`;
    rows.push(row({ what, unit: 'MB', ours: numbers.mb, goal: `under ${LIMIT_MB} MB`, met: numbers.mb < LIMIT_MB }));
    requests[what] = numbers.requests;
  }
  return { rows, detail: { requests } };
}

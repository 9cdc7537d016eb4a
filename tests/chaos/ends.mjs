// How a run ended, asked of the server: every document's history, the databases, what the daemons report.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PROGRAM } from '../lib/daemon.mjs';
import { generation, rank } from './watch.mjs';

const AT_ONCE = 8;

/** Calls `work` with each item, some at once. */
export async function forEach(items, work, atOnce = AT_ONCE) {
  const left = [...items];
  const one = async () => {
    while (left.length > 0) await work(left.shift());
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** What went back in any of these documents' histories, or has a branch. Answers {looked, wrong}. */
export async function histories(server, subjects) {
  const wrong = [];
  let looked = 0;
  await forEach(subjects, async ({ database, id }) => {
    const states = await historyOf(server, database, id);
    looked += states.length;
    const text = states.map(({ state }) => state).join(', ');
    if (states.some((doc, index) => index > 0 && rank(doc) < rank(states[index - 1]))) wrong.push(`${id} went back: ${text}`);
    if (states.at(-1)?.conflicts) wrong.push(`${id} is in conflict`);
  });
  return { looked, wrong };
}

/** All revisions that are still there, oldest first. */
async function historyOf(server, database, id) {
  const url = `/${database}/${id}`;
  const { body: winner, text } = await server.request(`${url}?revs_info=true&conflicts=true`);
  if (!winner?._rev) throw new Error(`${url}: ${text}`);
  const revs = winner._revs_info.filter(({ status }) => status === 'available').map(({ rev }) => rev);
  const docs = await Promise.all(revs.map((rev) => server.request(`${url}?rev=${rev}`).then(({ body }) => body)));
  const sorted = docs.filter((doc) => doc?._rev).sort((left, right) => generation(left._rev) - generation(right._rev));
  if (winner._conflicts) sorted.push({ ...winner, conflicts: true });
  return sorted;
}

/** Each person has one control database, each channel one of its own, and there are no others. */
export async function wrongDatabases(server, names, { users, channels }) {
  const { body } = await server.request('/_all_dbs');
  const count = (prefix) => body.filter((name) => name.startsWith(prefix)).length;
  const wrong = [];
  for (const [what, prefix, wanted] of [['control', names.control_prefix, users], ['channel', names.channel_prefix, channels]]) {
    const found = count(prefix);
    if (found !== wanted) wrong.push(`${found} ${what} databases where there should be ${wanted}`);
  }
  return wrong;
}

/** What `couchdb-channels status` has to say about workers and parked documents. */
export async function wrongStatus(daemon, workers) {
  const args = ['status', '--json', ...daemon.iniFiles().flatMap((file) => ['--ini', file])];
  const { stdout } = await promisify(execFile)(PROGRAM, args).catch((error) => error);
  const status = JSON.parse(stdout);
  const wrong = status.parked.map((failure) => `parked: ${JSON.stringify(failure)}`);
  const alive = status.workers.filter((worker) => worker.alive).length;
  if (alive !== workers) wrong.push(`status counts ${alive} workers where there are ${workers}`);
  return wrong;
}

// Ten daemons that ask much, all that flood, and one of them that floods, under the manager in a real node: no answer is lost,
// nothing grows, and who asks with measure is answered in time. What the node's clients feel is bench/manager.mjs's.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { serverKind } from '../lib/couch_server.mjs';
import { startAskers } from './askers.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
const SECONDS = 10;
// Of 1,000 messages a second, the 900 that are questions; a busy machine may not come to as many.
const QUESTIONS = 0.8 * 900 * SECONDS;
const PROMPT_MS = 1500;
const GROWTH_KB = 24 * 1024;
const TIMEOUT_MS = 120000;
let askers;

before(async () => {
  if (skip) return;
  askers = await startAskers();
  await load('paced', { seconds: 2 });  // what the node needs in any case, it then has
});
after(() => askers?.close());

function residentKb() {
  const status = readFileSync(`/proc/${askers.server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]);
}

/** One run of all: their results, and by how much the node's memory was above that of before, at most. */
async function load(mode, { seconds = SECONDS } = {}) {
  const before = residentKb();
  let peak = before;
  const watch = setInterval(() => { peak = Math.max(peak, residentKb()); }, 100);
  try {
    await askers.begin({ mode, seconds });
    return { results: await askers.results({ timeout: TIMEOUT_MS }), growth: peak - before };
  } finally {
    clearInterval(watch);
  }
}

for (const mode of ['paced', 'flood', 'mixed']) {
  test(`${mode}: every question is answered, in order, and the node's memory stays`, { skip }, async (t) => {
    const { results, growth } = await load(mode);
    t.diagnostic(`${JSON.stringify(results)}, ${growth} kB more at most`);
    assert.equal(results.length, 10);
    for (const { asked, answered, wrong } of results) {
      assert.ok(asked >= QUESTIONS, `asked ${asked}`);
      assert.equal(answered, asked);
      assert.equal(wrong, 0);
    }
    // One that floods is read later: that is its own doing.
    const measured = { paced: results, flood: [], mixed: results.slice(1) }[mode];
    for (const { late_ms: late } of measured) assert.ok(late < PROMPT_MS, `answered after ${late} ms`);
    assert.ok(growth < GROWTH_KB, `grew by ${growth} kB`);
    assert.equal((await askers.server.request('/_up')).status, 200);
  });
}

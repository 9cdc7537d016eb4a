// Ten daemons that ask much, and one that floods, under the manager in a real node: no answer is lost, and nothing
// grows. How fast it is, and what the node's clients feel, is bench/manager.mjs's.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { serverKind } from '../lib/couch_server.mjs';
import { startAskers } from './askers.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
const GROWTH_KB = 64 * 1024;
const TIMEOUT_MS = 120000;
let askers;

before(async () => {
  if (!skip) askers = await startAskers();
});
after(() => askers?.close());

function residentKb() {
  const status = readFileSync(`/proc/${askers.server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]);
}

for (const mode of ['paced', 'flood']) {
  test(`${mode}: every question is answered, in order, and the node's memory stays`, { skip }, async () => {
    const memory = residentKb();
    await askers.begin({ mode, seconds: 5 });
    const results = await askers.results({ timeout: TIMEOUT_MS });
    assert.equal(results.length, 10);
    for (const { asked, answered, wrong } of results) {
      assert.ok(asked > 100, `asked ${asked}`);
      assert.equal(answered, asked);
      assert.equal(wrong, 0);
    }
    assert.ok(residentKb() - memory < GROWTH_KB, `grew by ${residentKb() - memory} kB`);
    assert.equal((await askers.server.request('/_up')).status, 200);
  });
}

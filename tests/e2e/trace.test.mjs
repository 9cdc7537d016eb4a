// couchdb-channels trace: what the registry tells of one document, with [channels] trace off and on.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';

const PROGRAM = fileURLToPath(new URL('programs/misbehaves.mjs', import.meta.url));
const LONG = { timeout: 120000, interval: 200 };

let server;
let folder;
let daemon;
let work;

before(async () => { server = await startCouch(); });
after(async () => { await server?.close(); });

async function startWith(trace) {
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  folder = mkdtempSync(join(tmpdir(), 'channels-trace-'));
  const sections = { channels_handlers: {} };
  for (const how of ['good', 'late', 'hangs']) {
    sections.channels_handlers[how] = `${process.execPath} ${PROGRAM} ${how} ${folder}`;
    sections[`channels_handler.${how}`] = { databases: work, timeout: 5, in_flight: 4 };
  }
  daemon = await startDaemon({ server, names, channels: { trace }, sections });
  await daemon.request(`/${work}`, { method: 'PUT' });
}

async function close() {
  await daemon?.close();
  rmSync(folder, { recursive: true, force: true });
}

const put = (doc) => daemon.request(`/${work}/${doc._id}`, { method: 'PUT', body: doc });
const inState = (id, state) => waitFor(async () => (await daemon.request(`/${work}/${id}`)).body.state === state, { ...LONG, what: `${id} being ${state}` });
const json = async (...args) => JSON.parse((await operatorCall(daemon, 'trace', '--json', ...args)).stdout);
const traces = async () => (await daemon.request(`/${daemon.names.registry_db}/_all_docs?startkey="trace-"&endkey="trace-~"`)).body.rows.length;
const runsOf = (id, count) => waitFor(async () => { const { runs } = await json(id); return runs.length >= count && runs; }, { ...LONG, what: `${count} runs of ${id}` });

test('off: unsafe runs and failures are there, with time, rule, try and what came of them; safe ones are not', async () => {
  await startWith('off');
  try {
    await put({ _id: 'plain', type: 'good', state: 'new' });
    await put({ _id: 'late', type: 'late', state: 'act' });
    await put({ _id: 'lost', type: 'hangs', state: 'act' });
    await inState('plain', 'done');
    await inState('late', 'done');
    const runs = await runsOf('late', 2);
    assert.deepEqual(runs.map(({ outcome, attempt, mode }) => [outcome, attempt, mode]), [['failed', 1, 'unsafe'], ['saved', 2, 'unsafe']]);
    assert.equal(runs[0].rule, 'late late/act');
    assert.match(runs[0].reason, /cancelled/);
    assert.equal(runs[1].state, 'done');
    assert.ok(runs[0].took_ms >= 5000);
    assert.match(runs[0].time, /^20\d\d-.*Z$/);
    const lost = await runsOf('lost', 1);
    assert.equal(lost.at(-1).outcome, 'parked');

    const text = (await operatorCall(daemon, 'trace', 'late')).stdout;
    assert.match(text, /^late in .*-work: type late, state done, rev 2-/);
    assert.match(text, /^TIME +RULE +MODE +TRY +REV +TOOK +WHAT CAME OF IT$/m);
    assert.match(text, /^20\S+Z +late late\/act +unsafe +2 +1-\S+ +\d+ ms +saved as done$/m);
    assert.match(text, /trace = on keeps every run/);
    assert.match((await operatorCall(daemon, 'trace', 'lost')).stdout, /parked, couchdb-channels retry brings it back/);

    const none = await operatorCall(daemon, 'trace', 'plain');
    assert.equal(none.code, 1);
    assert.match(none.stdout, /has no run of plain/);
    assert.equal((await operatorCall(daemon, 'trace', '--db', 'other', 'late')).code, 1);
    assert.equal((await operatorCall(daemon, 'trace')).code, 2);
  } finally {
    await close();
  }
});

test('on: every run is there; nothing is written while nothing happens; a wrong value is one clear line', async () => {
  await startWith('on');
  try {
    await put({ _id: 'plain', type: 'good', state: 'new' });
    await inState('plain', 'done');
    const [run] = await runsOf('plain', 1);
    assert.deepEqual([run.outcome, run.state, run.mode], ['saved', 'done', 'safe']);
    const count = await traces();
    await new Promise((resolve) => { setTimeout(resolve, 5000); });
    assert.equal(await traces(), count);
  } finally {
    await close();
  }
  daemon = await startDaemon({ server, channels: { trace: 'loud' }, ready: false });
  assert.equal((await daemon.exited).code, 2);
  assert.match(daemon.output, /\[channels\] trace = loud: must be "on" or "off"/);
  await daemon.close();
});

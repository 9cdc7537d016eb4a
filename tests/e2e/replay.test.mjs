// couchdb-channels replay: what new handler code would change, and that the server is as it was.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appFolder } from '../lib/app_folder.mjs';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { operatorCall } from '../lib/operator.mjs';

const SOURCE = fileURLToPath(new URL('programs/replayed.mjs', import.meta.url));

let server;
let daemon;
let folder;
let command;
let work;

before(async () => {
  server = await startCouch();
  const source = mkdtempSync(join(tmpdir(), 'channels-replay-'));
  cpSync(SOURCE, join(source, 'handlers.mjs'));
  folder = appFolder(source);
  rmSync(source, { recursive: true });
  command = `${process.execPath} ${join(folder, 'handlers.mjs')}`;
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  // Only for its ini files, and its names.
  daemon = await startDaemon({ server, names });
  await daemon.stop();
  await daemon.request(`/${work}`, { method: 'PUT' });
  const docs = [
    { _id: 'a', type: 'order', state: 'new', items: ['apple'], kept: { deep: 1 } },
    { _id: 'b', type: 'order', state: 'paid' },
    { _id: 'c', type: 'order', state: 'odd' },
    { _id: 'd', type: 'order', state: 'kept' },
    { _id: 'e', type: 'other', state: 'new' },
    { _id: 'stock', count: 7 },
    { _id: 'old-thing', type: 'thing' },
  ];
  await daemon.request(`/${work}/_bulk_docs`, { method: 'POST', body: { docs } });
  // What _find would make by itself is none of the replay's.
  await daemon.request(`/${work}/_find`, { method: 'POST', body: { selector: { type: 'order' } } });
});
after(async () => {
  await daemon?.close();
  await server?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function everything() {
  const { body } = await daemon.request(`/${work}/_changes?include_docs=true`);
  const { body: info } = await daemon.request(`/${work}`);
  const { body: security } = await daemon.request(`/${work}/_security`);
  const rows = body.results.map(({ doc }) => doc).sort((a, b) => (a._id < b._id ? -1 : 1));
  const made = (await daemon.request('/made-by-replay')).status;
  return { rows, seq: info.update_seq.split('-')[0], security, databases: await daemon.databases(), made };
}

const replay = (...args) => operatorCall(daemon, 'replay', '--db', work, '--handler', command, ...args);

test('it prints what would be different in states and documents, and the server is untouched', async () => {
  const before_ = await everything();
  const { code, stdout, stderr } = await replay();
  assert.deepEqual(await everything(), before_);
  assert.equal(code, 1, `one run failed\n${stderr}`);
  assert.match(stdout, /^a: order\/new -> accepted$/m);
  assert.match(stdout, /^ {2}items: \["apple"\] -> \(none\)$/m);
  assert.match(stdout, /^ {2}state: "new" -> "accepted"$/m);
  assert.match(stdout, /^ {2}rev: \(none\) -> "1-[0-9a-f]{32}"$/m);
  assert.match(stdout, /^ {2}again: \(none\) -> "a"$/m);
  assert.match(stdout, /^ {2}nowhere: \(none\) -> 404$/m);
  assert.match(stdout, /^ {2}refused: \(none\) -> 409$/m);
  assert.match(stdout, /^ {2}trial: \(none\) -> "1"$/m);
  assert.doesNotMatch(stdout, /kept:/);
  assert.match(stdout, /^b: order\/paid -> shipped$/m);
  assert.match(stdout, /^c: order\/odd failed: no such luck$/m);
  for (const line of ['1 x order/new -> accepted', '1 x order/paid -> shipped', '1 x order/odd failed', '1 x order/kept stays as it is', '3 x no handler', 'nothing was written']) {
    assert.ok(stdout.split('\n').includes(line), `${line}\n${stdout}`);
  }
  assert.match(stdout, new RegExp(`^new ${work}/invoice-a$`, 'm'));
  assert.match(stdout, new RegExp(`^new ${work}/line-a$`, 'm'));
  assert.match(stdout, new RegExp(`^changed ${work}/stock\n {2}count: 7 -> 6$`, 'm'));
  assert.match(stdout, new RegExp(`^deleted ${work}/old-thing$`, 'm'));
  assert.match(stdout, /^PUT \/made-by-replay/m);
  assert.match(stdout, new RegExp(`^PUT /${work}/_security \\{"admins":\\{\\}\\}$`, 'm'));
});

test('--state and --type choose, --json is one object', async () => {
  const { code, stdout } = await replay('--state', 'new', '--json');
  assert.equal(code, 0);
  const { documents, writes, failed, no_handler: none } = JSON.parse(stdout);
  assert.deepEqual(documents.map(({ id, from, to }) => [id, from, to]), [['a', 'new', 'accepted']]);
  assert.deepEqual(documents[0].differences.find(({ member }) => member === 'state'), { member: 'state', before: 'new', after: 'accepted' });
  assert.deepEqual(writes.map(({ what, id }) => [what, id]), [['new', 'invoice-a'], ['new', 'line-a'], ['changed', 'stock']]);
  assert.deepEqual([failed, none], [0, 1]);
  assert.match((await replay('--type', 'nothing')).stdout, /there is no such document/);
});

test('what is wrong is one clear line', async () => {
  const wrong = (...args) => operatorCall(daemon, 'replay', ...args);
  assert.match((await wrong('--db', 'no-such-db', '--handler', command)).stderr, /there is no database no-such-db/);
  const noProgram = await wrong('--db', work, '--handler', '/no/such/program');
  assert.equal(noProgram.code, 1);
  assert.match(noProgram.stderr, /cannot be started: .*no\/such\/program/);
  assert.match(noProgram.stderr, /the handler was not ready/);
  assert.match((await wrong('--db', work, '--handler', 'sh "-c')).stderr, /a closing " is missing/);
  assert.equal((await wrong('--db', work)).code, 2);
});

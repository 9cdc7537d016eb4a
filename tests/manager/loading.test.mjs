// How the manager gets into the node, and what happens where it cannot: never does the node fail.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverKind } from '../lib/couch_server.mjs';
import { waitFor } from '../lib/net.mjs';
import { erlFlags, managerFolder, oneProcessOf, processesIn, scriptIn, startInstalled } from './installed.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
const folder = mkdtempSync(join(tmpdir(), 'channels-loading-'));
let server;
let daemon;

before(async () => {
  if (!skip) server = await startInstalled({ daemons: { any: (dir) => { daemon = scriptIn(dir, 'any', 'while read -r line; do :; done'); return daemon; } }, flags: '' });
});
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function startWith(flags) {
  await server.stop();
  server.env.ERL_FLAGS = flags;
  await server.start();
}

/** A copy of the manager, changed by `change(copy)`. */
function changedCopy(name, change) {
  const copy = join(folder, name);
  cpSync(managerFolder(), copy, { recursive: true });
  change(copy);
  return copy;
}

const beams = (copy) => readdirSync(join(copy, 'ebin')).filter((name) => name.endsWith('.beam')).map((name) => join(copy, 'ebin', name));

// The header of the code chunk says which instructions a loader has to know: 16 bytes after the chunk's name.
function compiledByALaterOtp(file) {
  const beam = readFileSync(file);
  const at = beam.indexOf('Code');
  assert.ok(at > 0);
  beam.writeUInt32BE(9999, at + 16);
  writeFileSync(file, beam);
}

test('without the flags there is no manager', { skip }, async () => {
  assert.deepEqual(processesIn(server.dir), []);
});

test('compiled by a later OTP: the node\'s own compiler makes it anew from src', { skip }, async () => {
  const copy = changedCopy('later', (to) => beams(to).forEach(compiledByALaterOtp));
  await startWith(erlFlags(copy));
  await oneProcessOf(daemon);
});

test('no .beam at all, and damaged ones', { skip }, async () => {
  const copy = changedCopy('damaged', (to) => beams(to).forEach((file, n) => (n % 2 ? rmSync(file) : writeFileSync(file, 'no beam'))));
  await startWith(erlFlags(copy));
  await oneProcessOf(daemon);
});

test('the folder is gone and the flags stayed: the node starts without a manager', { skip }, async () => {
  await startWith(erlFlags(join(folder, 'gone')));
  assert.equal((await server.request('/_up')).status, 200);
  assert.deepEqual(processesIn(server.dir), []);
});

test('a source that does not compile is told, and the node starts', { skip }, async () => {
  const copy = changedCopy('wrong', (to) => {
    beams(to).forEach((file) => rmSync(file));
    writeFileSync(join(to, 'src/channels_os_daemons_lines.erl'), 'nonsense');
  });
  await startWith(erlFlags(copy));
  await waitFor(() => /os_daemons are not started: .*channels_os_daemons_lines\.erl does not compile/.test(server.outputText()), { timeout: 60000, what: 'its telling' });
  assert.equal((await server.request('/_up')).status, 200);
  assert.deepEqual(processesIn(server.dir), []);
});

test('-s works, too, and both at once start one manager', { skip }, async () => {
  const copy = managerFolder();
  await startWith(`-pa ${copy}/ebin -s channels_os_daemons`);
  await oneProcessOf(daemon);
  await startWith(`${erlFlags(copy)} -s channels_os_daemons`);
  await oneProcessOf(daemon);
  assert.equal(processesIn(server.dir).length, 2, 'the daemon, and what watches it');
});

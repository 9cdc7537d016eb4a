// The doctor's call beside a CouchDB that starts the daemon itself: as a fresh node is, before and after the restart that
// loads the manager.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverKind } from '../lib/couch_server.mjs';
import { PROGRAM } from '../lib/daemon.mjs';
import { startMailSink } from '../lib/mail_sink.mjs';
import { waitFor } from '../lib/net.mjs';
import { channelsIn, erlFlags, managerFolder, setSetting, startInstalled, writeOsDaemons } from './installed.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
let server;
let mail;
let program;

before(async () => {
  if (skip) return;
  mail = await startMailSink();
  server = await startInstalled({
    flags: '',
    config: { channels_mail: { server: mail.url, from: 'no-reply@channels.example' } },
    daemons: { channels: (dir) => { program = channelsIn(dir); return program; } },
  });
});
after(async () => {
  await server?.close();
  await mail?.close();
});

async function doctor() {
  const args = ['doctor', '--json', ...server.iniFiles.flatMap((file) => ['--ini', file])];
  const { stdout } = await promisify(execFile)(PROGRAM, args).catch((error) => (error.stdout ? error : Promise.reject(error)));
  const { checks } = JSON.parse(stdout);
  const named = (result) => Object.fromEntries(checks.filter((check) => check.result === result).map((check) => [check.name, check]));
  return { faults: named('fault'), notes: named('note'), oks: named('ok'), stdout };
}

test('a fresh node without the manager: no secret, so no more can be said', { skip }, async () => {
  const { faults } = await doctor();
  assert.match(faults.secret.found, /secret is not set/);
});

test('a node without the manager, but with a secret: the manager is missing, and nobody works', { skip }, async () => {
  await setSetting(server, 'chttpd_auth', 'secret', '00112233445566778899aabbccddeeff');
  const { faults, stdout } = await doctor();
  assert.match(faults.manager.found, /not loaded/);
  assert.match(faults.manager.do.join('\n'), /50-channels\.conf/);
  assert.match(faults.daemon.found, /none has been at work/);
  assert.match(faults.changes_duration.found, /is not set/);
  assert.doesNotMatch(stdout, /00112233/);
  await server.request('/_node/_local/_config/chttpd_auth/secret', { method: 'DELETE' });
});

test('with the manager no fault is left', { skip }, async () => {
  await server.stop();
  server.env.ERL_FLAGS = erlFlags(managerFolder());
  await server.start();
  await waitFor(() => server.outputText().includes(' ready: '), { timeout: 120000, what: 'the daemon being ready' });
  assert.match(readFileSync(join(server.dir, 'etc/local.ini'), 'utf8'), /^secret = /m);
  const { faults, oks } = await doctor();
  assert.deepEqual(faults, {});
  assert.match(oks.manager.found, /loaded/);
  assert.match(oks.changes_duration.found, /busy ones, too/);
});

test('what CouchDB has not read yet', { skip }, async () => {
  await setSetting(server, 'channels', 'sweep', '30');
  const { notes } = await doctor();
  assert.equal(notes.configuration, undefined, 'a change over HTTP is saved');
  await writeOsDaemons(server, {});
  await waitFor(async () => (await doctor()).notes.manager, { what: 'no line' });
});

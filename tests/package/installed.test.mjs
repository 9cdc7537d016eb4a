// The package as installed, in a clean Debian, with a stand-in for CouchDB and with CouchDB started there as couchdb.service does it.
// package.test.mjs has the package itself.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashAdmin } from '../server/passwords.mjs';
import { startMailSink } from '../lib/mail_sink.mjs';
import { freePort, request, waitFor } from '../lib/net.mjs';
import { COUCHDB_HOME } from '../lib/server_process.mjs';
import { Debian, buildPackage, noDebian, withVersion } from './debian.mjs';
import { putStandIn, removeStandIn, writeStandInSettings } from './stand_in.mjs';

const PROGRAM = '/usr/bin/couchdb-channels';
const LOCAL_INI = '/opt/couchdb/etc/local.ini';
const SLOW = 120000;
const skip = noDebian();
const skipNode = skip || (existsSync(join(COUCHDB_HOME, 'bin/couchdb')) ? false : 'needs a CouchDB under COUCHDB_HOME');

let debian;
let deb;
let node;
let url;
const admin = { user: 'admin', password: 'secret' };

before(() => {
  if (skip) return;
  deb = buildPackage();
  debian = new Debian();
  debian.install(deb);
});
after(() => debian?.close());

const setting = (section, key) => `${url}/_node/_local/_config/${section}/${key}`;
const put = (section, key, value) => request(setting(section, key), { method: 'PUT', body: JSON.stringify(value), auth: admin });
const ready = () => node.log.split('couchdb-channels 0.1.0 ready: ').length - 1;

async function start() {
  node = debian.startCouchdb();
  await waitFor(async () => (await request(`${url}/_up`)).status === 200, { timeout: SLOW, what: 'CouchDB coming up' })
    .catch((error) => { throw new Error(`${error.message}\n${node.log}`); });
}

async function stop() {
  node.kill('SIGTERM');
  await node.ended;
}

const daemon = (not) => waitFor(() => {
  const [pid, ...more] = debian.processesOf(PROGRAM);
  return pid && more.length === 0 && pid !== not && pid;
}, { timeout: SLOW, what: 'one daemon' }).catch((error) => { throw new Error(`${error.message}\n${node.log.slice(-4000)}`); });

const noDaemon = () => waitFor(() => debian.processesOf(PROGRAM).length === 0, { timeout: 30000, what: 'the end of the daemon' });

// On a node that is no CouchDB, but has what the manager needs: the same layout, the drop-in's flags, our own program.
const standIn = { log: { level: 'info' }, admins: { admin: hashAdmin('secret', 10) } };
const withLine = { ...standIn, os_daemons: { channels: PROGRAM }, channels: { url: 'http://127.0.0.1:1/' } };
const said = (pattern) => waitFor(() => pattern.test(node.log), { timeout: SLOW, what: String(pattern) })
  .catch((error) => { throw new Error(`${error.message}\n${node.log.slice(-4000)}`); });

test('in a stand-in for CouchDB: without the line nothing runs', { skip }, async () => {
  putStandIn(debian, standIn);
  node = debian.startCouchdb();
  await new Promise((done) => { setTimeout(done, 3000); });
  assert.equal(node.exitCode, null, node.log);
  assert.deepEqual(debian.processesOf(PROGRAM), []);
});

test('in a stand-in: the line starts the daemon, which survives kill -9 and follows a change', { skip }, async () => {
  writeStandInSettings(debian, withLine);
  const first = await daemon();
  await said(/secret was not set; a random one was made/);
  await said(/waiting for CouchDB at http:\/\/127\.0\.0\.1:1\//);
  process.kill(first, 'SIGKILL');
  const second = await daemon(first);
  await said(/waiting for CouchDB at [\s\S]*waiting for CouchDB at /);
  writeStandInSettings(debian, { ...withLine, channels: { url: 'http://127.0.0.1:2/' } });
  await daemon(second);
  await said(/waiting for CouchDB at http:\/\/127\.0\.0\.1:2\//);
});

test('in a stand-in: doctor says that no CouchDB is there, and what is well', { skip }, () => {
  const { code, output } = debian.run(PROGRAM, 'doctor');
  assert.equal(code, 1);
  assert.match(output, /^fault server: http:\/\/127\.0\.0\.1:2\/ does not answer/m);
  assert.match(output, /^ok {4}admins: /m);
});

test('in a stand-in: the daemon ends with the node, however that ends, and with its line', { skip }, async () => {
  await stop();
  await noDaemon();
  node = debian.startCouchdb();
  const pid = await daemon();
  node.kill('SIGKILL');
  await node.ended;
  await waitFor(() => !existsSync(`/proc/${pid}`), { timeout: 30000, what: 'the end of the daemon' });
  node = debian.startCouchdb();
  await daemon();
  writeStandInSettings(debian, standIn);
  await noDaemon();
  await stop();
  removeStandIn(debian);
  assert.equal(debian.do('dpkg', '--verify', 'couchdb-channels'), '');
});

test('without the line nothing runs, and CouchDB is as before', { skip: skipNode }, async () => {
  const ports = { couch: await freePort(), erlang: await freePort(), httpd: await freePort(), prometheus: await freePort() };
  url = `http://127.0.0.1:${ports.couch}`;
  debian.putCouchdb(ports);
  await start();
  await request(`${url}/_users`, { auth: admin });
  assert.deepEqual(debian.processesOf(PROGRAM), []);
  assert.equal((await request(setting('fabric', 'changes_duration'), { auth: admin })).status, 404);
  await stop();
});

test('one line in local.ini, and the daemon comes up', { skip: skipNode }, async () => {
  debian.do('sh', '-c', `printf '[os_daemons]\\nchannels = ${PROGRAM}\\n' >> ${LOCAL_INI}`);
  await start();
  await daemon();
  await waitFor(() => ready() === 1, { timeout: SLOW, what: 'ready' }).catch((error) => { throw new Error(`${error.message}\n${node.log.slice(-4000)}`); });
  assert.equal((await request(`${url}/channels-handshake`)).status, 200);
  assert.match((await request(`${url}/_utils/channels/confirm.html`)).text, /channels-handshake-db/);
  assert.match((await request(`${url}/_utils/channels/sha256.js`)).text, /sha256/i);
});

test('doctor, as an operator calls it, finds no fault', { skip: skipNode }, async () => {
  const mail = await startMailSink();
  let output = '';
  let code;
  try {
    await put('channels_mail', 'server', mail.url);
    await waitFor(() => ready() === 2, { timeout: SLOW, what: 'ready with the new mail server' });
    // Not by run(), which would keep the mail server here from answering.
    const doctor = spawn('chroot', [debian.folder, PROGRAM, 'doctor'], { stdio: ['ignore', 'pipe', 'inherit'] });
    doctor.stdout.on('data', (chunk) => { output += chunk; });
    code = await new Promise((done, failed) => doctor.once('close', done).once('error', failed));
  } finally {
    await mail.close();
  }
  assert.equal(code, 0, output);
  assert.match(output, /^ok {4}manager: loaded/m);
  assert.match(output, /^ok {4}disk: /m);
  assert.match(debian.run(PROGRAM, 'doctor').output, /^fault mail: /m);
});

test('it survives kill -9', { skip: skipNode }, async () => {
  const pid = await daemon();
  process.kill(pid, 'SIGKILL');
  await daemon(pid);
  await waitFor(() => ready() === 3, { timeout: SLOW, what: 'ready once more' });
});

test('it follows a change made through the config API', { skip: skipNode }, async () => {
  const pid = await daemon();
  assert.equal((await put('channels', 'handshake_db', 'other-handshake')).status, 200);
  await daemon(pid);
  await waitFor(async () => (await request(`${url}/other-handshake`)).status === 200, { timeout: SLOW, what: 'the other handshake' });
});

// By the bare protocol, with what is in any Debian: each start leaves its pid, each document becomes done.
const HANDLER = `#!/usr/bin/perl
use strict; $| = 1;
my $name = shift;
open(my $starts, '>>', "/tmp/$name.starts") or die; print $starts "$$\\n"; close $starts;
print qq(["register","safe","$name","new"]\\n["ready"]\\n);
while (<STDIN>) {
  next unless /^\\["handle",(\\d+),.*"doc":(\\{.*\\})\\}\\]$/;
  my ($number, $doc) = ($1, $2);
  $doc =~ s/"state":"new"/"state":"done"/;
  print qq(["save",$number,$doc]\\n);
}
`;

test('handler programs are switched through the config API, and no other is touched; a command line there is ignored', { skip: skipNode }, async () => {
  writeFileSync(debian.path('/usr/local/bin/handler'), HANDLER, { mode: 0o755 });
  writeFileSync(debian.path('/etc/couchdb-channels/handlers.ini'),
    '[channels_handlers]\none = /usr/local/bin/handler one\ntwo = /usr/local/bin/handler two\n[channels_handler.one]\ndatabases = shop\n[channels_handler.two]\ndatabases = shop\n');
  const starts = (name) => (debian.has(`/tmp/${name}.starts`) ? debian.read(`/tmp/${name}.starts`).trim().split('\n').map(Number) : []);
  const alive = (name) => starts(name).filter((each) => existsSync(`/proc/${each}`));
  const doc = async (id) => (await request(`${url}/shop/${id}`, { auth: admin })).body;
  const write = (id, type) => request(`${url}/shop/${id}`, { method: 'PUT', body: { type, state: 'new' }, auth: admin });
  const done = (id) => waitFor(async () => (await doc(id)).state === 'done', { timeout: SLOW, what: `${id} being done` })
    .catch((error) => { throw new Error(`${error.message}\n${node.log.slice(-4000)}`); });
  const pid = await daemon();
  assert.equal((await put('channels', 'sweep', '21')).status, 200);  // it reads the files of root's as it starts
  const now = await daemon(pid);
  assert.equal((await request(`${url}/shop`, { method: 'PUT', auth: admin })).status, 201);
  await write('a', 'one');
  await write('b', 'two');
  await done('a');
  await done('b');
  const [one] = alive('one');

  assert.equal((await put('channels_handlers', 'two', 'off')).status, 200);
  await waitFor(() => alive('two').length === 0, { timeout: SLOW, what: 'the end of the program' });
  await write('c', 'two');
  await write('d', 'one');
  await done('d');
  assert.equal((await doc('c')).state, 'new');

  assert.equal((await put('channels_handlers', 'two', 'on')).status, 200);
  await done('c');
  assert.deepEqual(alive('one'), [one]);
  assert.equal(starts('one').length, 1);
  assert.equal(await daemon(), now);

  assert.equal((await put('channels_handlers', 'evil', '/bin/touch /tmp/evil')).status, 200);
  assert.equal((await put('channels_handlers', 'one', '/bin/touch /tmp/evil')).status, 200);
  await write('e', 'one');
  await done('e');
  assert.equal((await put('channels_handler.one', 'role_user', 'somebody')).status, 200);
  assert.equal((await put('channels', 'sweep', '20')).status, 200);
  await daemon(now);
  await waitFor(() => /\[channels_handlers\] one is ignored here, where it may only be on or off/.test(node.log), { timeout: SLOW, what: 'the warning' });
  await waitFor(() => /\[channels_handler\.one\] is ignored here: write it into a file of root's/.test(node.log), { timeout: SLOW, what: 'the other warning' });
  await write('f', 'one');
  await done('f');
  assert.equal(debian.has('/tmp/evil'), false);
  for (const name of ['one', 'two', 'evil']) await request(setting('channels_handlers', name), { method: 'DELETE', auth: admin });
  await request(setting('channels_handler.one', 'role_user'), { method: 'DELETE', auth: admin });
  rmSync(debian.path('/etc/couchdb-channels/handlers.ini'));
});

test('an upgrade replaces the running daemon, keeps what the operator wrote, and leaves CouchDB alone', { skip: skipNode }, async () => {
  const pid = await daemon();
  const own = 'Subject: mine\n\n{{link}}\n';
  writeFileSync(debian.path('/etc/couchdb-channels/templates/en/confirm.txt'), own);
  const later = withVersion(deb, '0.1.1');
  debian.install(later);
  rmSync(later);
  const next = await daemon(pid);
  assert.equal(execFileSync('readlink', [`/proc/${next}/exe`], { encoding: 'utf8' }).includes('deleted'), false);
  assert.equal(debian.read('/etc/couchdb-channels/templates/en/confirm.txt'), own);
  assert.equal((await request(`${url}/_up`)).status, 200);
  assert.equal(node.exitCode, null);
});

test('it ends with the node', { skip: skipNode }, async () => {
  await daemon();
  await stop();
  await noDaemon();
  await start();
  const pid = await daemon();
  node.kill('SIGKILL');
  await node.ended;
  await waitFor(() => !existsSync(`/proc/${pid}`), { timeout: 30000, what: 'the end of the daemon' });
});

test('removed while CouchDB runs: the daemon ends, and CouchDB starts as before', { skip: skipNode }, async () => {
  await start();
  await daemon();
  debian.do('dpkg', '--remove', 'couchdb-channels');
  await noDaemon();
  assert.equal((await request(`${url}/_up`)).status, 200);
  await stop();
  await start();
  assert.deepEqual(debian.processesOf(PROGRAM), []);
});

test('purged and installed again: only data were left, and they are all there', { skip: skipNode }, async () => {
  debian.do('dpkg', '--purge', 'couchdb-channels');
  const left = debian.files().filter((file) => file.includes('channels') && !file.startsWith('/var/lib/couchdb'));
  assert.deepEqual(left, []);
  assert.equal((await request(`${url}/other-handshake`)).status, 200);
  await stop();
  debian.install(deb);
  debian.do('sh', '-c', 'chown -R couchdb:couchdb /opt/couchdb/etc');
  assert.equal(debian.do('dpkg', '--verify', 'couchdb-channels'), '');
  await start();
  await daemon();
  assert.equal((await request(`${url}/other-handshake`)).status, 200);
  await stop();
});

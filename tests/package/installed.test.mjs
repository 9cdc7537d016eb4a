// The package as installed: built, put into a clean Debian, with CouchDB started there as couchdb.service does it.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
let empty;   // what there was before
let node;
let url;
const admin = { user: 'admin', password: 'secret' };

before(() => {
  if (skip) return;
  deb = buildPackage();
  debian = new Debian();
  empty = debian.files();
});
after(() => debian?.close());

const setting = (section, key) => `${url}/_node/_local/_config/${section}/${key}`;
const put = (section, key, value) => request(setting(section, key), { method: 'PUT', body: JSON.stringify(value), auth: admin });
const ready = () => node.log.split('couchdb-channels 0.1.0 ready: ').length - 1;

function differing(before, now) {
  return { gone: before.filter((file) => !now.includes(file)), left: now.filter((file) => !before.includes(file)) };
}

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

test('lintian finds nothing but what is overridden with a reason', { skip }, () => {
  const { status, stdout } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', '--no-tag-display-limit', deb], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  const overrides = readFileSync(new URL('../../packaging/debian/couchdb-channels.lintian-overrides', import.meta.url), 'utf8');
  const tags = overrides.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(' ')[0]);
  assert.deepEqual([...new Set(tags)], ['dir-or-file-in-opt']);
});

test('the -dev package holds what a handler in C++ needs, and depends on what that includes', { skip }, () => {
  const [dev] = readdirSync(dirname(deb)).filter((name) => name.startsWith('couchdb-channels-dev_') && name.endsWith('.deb'));
  const { status, stdout } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', '--no-tag-display-limit', join(dirname(deb), dev)], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  const contents = execFileSync('dpkg-deb', ['--contents', join(dirname(deb), dev)], { encoding: 'utf8' });
  for (const file of [/usr\/include\/couchdb-channels\/control\/control\.h/, /usr\/lib\/(.*\/)?libcouchdb-channels-handlers\.a/, /usr\/lib\/(.*\/)?cmake\/couchdb-channels\/couchdb-channels-config\.cmake/,
    /usr\/share\/doc\/couchdb-channels-dev\/examples\/handler_cpp\/CMakeLists\.txt$/m]) {
    assert.match(contents, file);
  }
  assert.match(execFileSync('dpkg-deb', ['--field', join(dirname(deb), dev), 'Depends'], { encoding: 'utf8' }), /libboost-json1\.81-dev/);
  // Its own example, built against what is in the package and nothing else of this project.
  const folder = mkdtempSync(join(tmpdir(), 'channels-dev-'));
  try {
    execFileSync('dpkg-deb', ['--extract', join(dirname(deb), dev), folder]);
    const example = join(folder, 'usr/share/doc/couchdb-channels-dev/examples/handler_cpp');
    for (const args of [['-S', example, '-B', join(folder, 'build'), `-DCMAKE_PREFIX_PATH=${join(folder, 'usr')}`], ['--build', join(folder, 'build')]]) {
      const made = spawnSync('cmake', args, { encoding: 'utf8' });
      assert.equal(made.status, 0, `${made.stdout}\n${made.stderr}`);
    }
    assert.equal(spawnSync('ctest', ['--test-dir', join(folder, 'build')]).status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('it installs where CouchDB is not there yet, purges to nothing, and comes back', { skip }, () => {
  debian.install(deb);
  assert.equal(debian.do('dpkg', '--verify', 'couchdb-channels'), '');
  assert.match(debian.do(PROGRAM, '--version'), /^couchdb-channels 0\.1\.0$/m);
  const conffiles = debian.do('dpkg-query', '--show', '--showformat', '${Conffiles}', 'couchdb-channels');
  assert.doesNotMatch(conffiles, /\/opt\//);
  assert.match(conffiles, /\/etc\/couchdb-channels\/templates\/en\/confirm\.txt/);
  for (const file of ['handlers-node/index.mjs', 'handlers-node/index.d.ts', 'handlers-node/package.json', 'handlers-node/template/handlers.test.js', 'handlers-python/couchdb_channels.py'])
    assert.ok(debian.has(`/usr/share/couchdb-channels/${file}`), file);
  for (const page of ['api', 'handlers']) assert.ok(debian.files().some((file) => file.startsWith(`/usr/share/doc/couchdb-channels/${page}.md`)), page);
  writeFileSync(debian.path('/etc/couchdb-channels/own.ini'), '[channels_mail]\n');
  debian.do('dpkg', '--purge', 'couchdb-channels');
  // dpkg removes an /opt that has become empty, as for any package that has files there.
  assert.deepEqual(differing(empty, debian.files()), { gone: ['/opt'], left: [] });
  debian.install(deb);
});

test('under systemd: units are read anew, a running service is started again by an upgrade and stopped by a removal', { skip }, () => {
  const calls = debian.recordSystemctl();
  const is = (name) => (call) => call.split(' ').includes(name);
  const later = withVersion(deb, '0.1.1');
  try {
    debian.do('dpkg', '--purge', 'couchdb-channels');
    calls();
    debian.install(deb);
    const [first, ...more] = calls();
    assert.equal(first, '--system daemon-reload', 'the drop-in counts from the next restart of CouchDB on');
    assert.deepEqual(more, [], 'and nothing is started');
    debian.install(later);
    assert.deepEqual(calls(), ['--system daemon-reload', 'try-restart --no-block couchdb-channels.service']);
    debian.do('dpkg', '--remove', 'couchdb-channels');
    const removal = calls();
    assert.equal(removal[0], 'stop couchdb-channels.service');
    assert.ok(removal.slice(1).some(is('daemon-reload')));
    assert.ok(!removal.some(is('couchdb.service')), 'CouchDB is left running');
  } finally {
    rmSync(later);
    debian.forgetSystemctl();
  }
  debian.do('dpkg', '--purge', 'couchdb-channels');
  debian.install(deb);
});

test('the service\'s configuration, which may hold a password, is nobody else\'s to read; what the operator narrowed stays', { skip }, () => {
  const file = '/etc/couchdb-channels/service/channels.ini';
  const mode = () => debian.do('stat', '--format', '%a %U:%G', file).trim();
  assert.equal(mode(), '640 root:root');
  debian.do('chmod', '600', file);
  debian.do('dpkg-reconfigure', '--force', 'couchdb-channels');
  assert.equal(mode(), '600 root:root');
});

test('the service is off, and systemd knows every key of its file', { skip }, () => {
  assert.deepEqual(debian.files().filter((file) => /\.wants\/couchdb-channels\.service$/.test(file)), []);
  const unit = debian.files().find((file) => file.endsWith('/system/couchdb-channels.service'));
  // The machine's own systemd-analyze, which wants the program where the unit has it.
  const folder = mkdtempSync(join(tmpdir(), 'channels-unit-'));
  const file = join(folder, 'couchdb-channels.service');
  writeFileSync(file, debian.read(unit).replaceAll('=/usr/bin/couchdb-channels', `=${debian.path(PROGRAM)}`));
  const analyze = (...args) => spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
  const verified = analyze('verify', '--man=no');
  // Of 100; lower is safer.
  const judged = analyze('security', '--offline=true', '--threshold=20');
  rmSync(folder, { recursive: true });
  assert.equal(`${verified.stdout}${verified.stderr}`, '');
  assert.equal(judged.status, 0, judged.stdout);
  for (const line of ['DynamicUser=yes', 'ProtectSystem=strict', 'NoNewPrivileges=yes', 'SystemCallErrorNumber=EPERM', 'Type=notify']) assert.ok(debian.read(unit).includes(`\n${line}\n`), line);
});

test('man page and completion know each call of --help', { skip }, () => {
  const calls = [...debian.do(PROGRAM, '--help').split('Subcommands:')[1].matchAll(/^ {2}([a-z_-]+) /gm)].map(([, call]) => call);
  assert.ok(calls.includes('status'));
  const page = debian.do('sh', '-c', 'zcat /usr/share/man/man1/couchdb-channels.1.gz');
  for (const call of calls) assert.match(page, new RegExp(`^\\.BR? "?${call.replaceAll('-', '\\\\?-')}\\b`, 'm'), `${call} in the man page`);
  assert.equal(debian.run('man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', '/usr/share/man/man1/couchdb-channels.1.gz').output.match(/warning/), null);
  const complete = (...words) => debian.do('bash', '-c', `. /usr/share/bash-completion/completions/couchdb-channels
    COMP_WORDS=(couchdb-channels ${words.join(' ')} ""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); ${words.at(-1)?.startsWith('-') ? 'unset COMP_WORDS[COMP_CWORD]; COMP_CWORD=$((COMP_CWORD - 1));' : ''}
    _couchdb_channels; printf '%s\\n' "\${COMPREPLY[@]}"`).trim().split('\n');
  assert.deepEqual(complete(), calls);
  assert.deepEqual(complete('st'.concat('atus'), '--js'), ['--json']);
});

test('the changelog and the program have one version', () => {
  const text = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const [, program] = /^project\(couchdb-channels VERSION (\S+)/m.exec(text('CMakeLists.txt'));
  const [, changelog] = /^couchdb-channels \(([^)]+)\)/.exec(text('packaging/debian/changelog'));
  assert.equal(changelog, program);
});

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

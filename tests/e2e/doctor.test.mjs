// The doctor's call: every fault of a fresh installation is provoked on a real CouchDB, and found; a healthy one has none.
// tests/manager/doctor.test.mjs has what needs the manager, tests/package what needs the package.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import { serverKind, startCouch } from '../lib/couch_server.mjs';
import { PROGRAM, startDaemon } from '../lib/daemon.mjs';
import { startMailSink } from '../lib/mail_sink.mjs';
import { freePort, request } from '../lib/net.mjs';
import { startProxy } from '../lib/proxy.mjs';
import { iniText } from '../lib/server_process.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
// The confirmation page knows the handshake by this name.
const NAMES = { handshake_db: 'channels-handshake', registry_db: 'channels-registry', control_prefix: 'control-', channel_prefix: 'channel-' };
const FAKETIME = ['faketime', '--exclude-monotonic', '-f'];

let server;
let mail;
let proxy;
let daemon;
const folder = mkdtempSync(join(tmpdir(), 'channels-doctor-'));

before(async () => {
  if (skip) return;
  server = await startCouch({ own: true, config: { chttpd_auth: { upgrade_hash_on_auth: 'false' } } });
  await set('fabric/changes_duration', '60000');
  mail = await startMailSink();
  proxy = await startProxy(server.url);
  daemon = await startDaemon({ server, mail, names: NAMES, channels: { public_url: `${proxy.url}/` } });
});
after(async () => {
  await daemon?.close();
  await proxy?.close();
  await mail?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(program, args) {
  try {
    return { code: 0, ...await promisify(execFile)(program, args) };
  } catch ({ code, stdout, stderr }) {
    return { code, stdout, stderr };
  }
}

/**
 * {code, faults, notes, oks, stdout}, each check by its name. `sections` go on top of the daemon's ini files, `files` in their
 * place; `under` is a program that runs it.
 */
async function doctor({ sections = {}, files = daemon.iniFiles(), args = [], under = [] } = {}) {
  const extra = join(folder, 'extra.ini');
  writeFileSync(extra, iniText(sections));
  const ini = [...files, extra].flatMap((file) => ['--ini', file]);
  const [program, ...words] = [...under, PROGRAM, 'doctor', '--json', ...args, ...ini];
  const { code, stdout, stderr } = await run(program, words);
  if (!stdout) throw new Error(`${code}: ${stderr}`);
  const { faults, checks } = JSON.parse(stdout);
  const named = (result) => Object.fromEntries(checks.filter((check) => check.result === result).map((check) => [check.name, check]));
  const found = { code, stdout, faults: named('fault'), notes: named('note'), oks: named('ok') };
  assert.equal(code, faults === 0 ? 0 : 1, stdout);
  for (const fault of checks.filter((check) => check.result === 'fault')) assert.ok(fault.do.length > 0, `${fault.name} says what to do`);
  assert.doesNotMatch(stdout, secrets(), 'a secret');
  return found;
}

const secrets = () => new RegExp([server.secret, server.password, server.hashedAdmin.split(',')[0].slice(8)].join('|'));
const setting = (path) => `/_node/_local/_config/${path}`;
const set = (path, value) => server.request(setting(path), { method: 'PUT', body: JSON.stringify(value) });
const unset = (path) => server.request(setting(path), { method: 'DELETE' });

/** The faults while `path` of the running configuration is set to `value`. */
async function doctorWhile(path, value, options) {
  const { body: before, status } = await server.request(setting(path));
  await set(path, value);
  try {
    return await doctor(options);
  } finally {
    await (status === 200 ? set(path, before) : unset(path));
  }
}

const text = async (...args) => run(PROGRAM, ['doctor', ...args, ...daemon.iniFiles().flatMap((file) => ['--ini', file])]);

test('a healthy installation has no fault', { skip }, async () => {
  const { code, faults, oks, notes } = await doctor();
  assert.deepEqual(faults, {});
  assert.equal(code, 0);
  for (const name of ['admins', 'secret', 'mail', 'server', 'clock', 'log-in', 'public_url', 'page', 'handshake', 'x-forwarded-for', 'system-databases',
    'design-documents', 'daemon']) assert.ok(oks[name], `${name} is looked at`);
  assert.match(oks.server.found, new RegExp(`CouchDB ${server.version}`));
  // Without a manager the key alone does not end a busy feed.
  assert.match(notes.changes_duration.found, /pauses/);
  assert.match(notes.manager.found, /--ini/);
});

test('for people: one line a check, and what to do below', { skip }, async () => {
  const well = await text();
  assert.equal(well.code, 0, well.stdout);
  assert.match(well.stdout, /^ok {4}log-in: as the admin admin$/m);
  assert.match(well.stdout, /^no fault$/m);
  await set('chttpd/require_valid_user', 'true');
  const { code, stdout } = await text();
  await set('chttpd/require_valid_user', 'false');
  assert.equal(code, 1);
  assert.match(stdout, /^fault require_valid_user: .*\n {8}in local\.ini.*\n {8}\[chttpd\]\n {8}require_valid_user = false$/m);
});

test('without the daemon: none is at work', { skip }, async () => {
  await daemon.stop();
  const { faults } = await doctor();
  assert.deepEqual(Object.keys(faults), ['daemon']);
  assert.match(faults.daemon.found, /none is at work/);
});

// It stays stopped, else each call would wait for its next sign of life, and it would mend what is broken here.

test('bad usage is exit code 2', { skip }, async () => {
  assert.equal((await run(PROGRAM, ['doctor', '--ini', '/nonexistent.ini'])).code, 2);
  assert.equal((await run(PROGRAM, ['doctor', '--nonsense'])).code, 2);
  assert.equal((await text('--origin', 'https://app.example.com/path')).code, 2);
});

test('a value that cannot be', { skip }, async () => {
  const { faults } = await doctor({ sections: { channels: { sweep: 'often' } } });
  assert.match(faults.configuration.found, /\[channels\] sweep = often/);
  const { notes } = await doctor({ sections: { channels: { public_ulr: 'x' } } });
  assert.match(notes.configuration.found, /public_ulr/);
});

test('no admin: what the files say, and what CouchDB then lets everybody do', { skip }, async () => {
  await unset(`admins/${server.user}`);
  const { faults } = await doctor();
  const { body: { rows } } = await request(`${server.url}/channels-handshake/_all_docs?startkey="doctor"&endkey="doctor~"`);
  // As nobody, who is an admin now.
  await request(server.url + setting(`admins/${server.user}`), { method: 'PUT', body: JSON.stringify(server.hashedAdmin) });
  assert.match(faults.admins.found, /\[admins\] is empty/);
  assert.match(faults['admin-party'].found, /everybody/);
  assert.deepEqual(rows, [], 'what it wrote is gone');
});

test('the cookie secret is missing', { skip }, async () => {
  const [defaults, base, ...rest] = daemon.iniFiles();
  const without = join(folder, 'without_secret.ini');
  writeFileSync(without, readFileSync(base, 'utf8').replace(/^secret = .*$/m, ''));
  const { faults, notes } = await doctor({ files: [defaults, without, ...rest] });
  assert.match(faults.secret.found, /secret is not set/);
  assert.match(faults.secret.do.join('\n'), /openssl rand -hex 32/);
  assert.match(notes['log-in'].found, /none can be had/);
  const { faults: others } = await doctor({ files: [defaults, without, ...rest], sections: { channels: { username: server.user, password: server.password } } });
  assert.deepEqual(Object.keys(others), ['daemon']);
});

test('the secret of the files is not the running server\'s', { skip }, async () => {
  const { faults } = await doctor({ sections: { chttpd_auth: { secret: '0123456789abcdef0123456789abcdef' } } });
  assert.match(faults['log-in'].do.join(), /restart CouchDB/);
});

test('the mail server is down', { skip }, async () => {
  const url = `smtp://127.0.0.1:${await freePort()}`;
  const { faults } = await doctor({ sections: { channels_mail: { server: url } } });
  assert.match(faults.mail.found, new RegExp(url));
});

test('the mail server does not take the log-in; the password is not shown', { skip }, async () => {
  const strict = new SMTPServer({
    disabledCommands: ['STARTTLS'], allowInsecureAuth: true, logger: false, disableReverseLookup: true,
    onAuth: ({ password }, session, answer) => (password === 'right-one' ? answer(null, { user: 'me' }) : answer(new Error('no'))),
  });
  strict.listen(0, '127.0.0.1');
  await once(strict.server, 'listening');
  const url = `smtp://127.0.0.1:${strict.server.address().port}`;
  const tried = (password) => doctor({ sections: { channels_mail: { server: url, username: 'me', password } } });
  const wrong = await tried('open-sesame');
  const right = await tried('right-one');
  await new Promise((done) => strict.close(done));
  assert.match(wrong.faults.mail.found, /denied|login|auth/i);
  assert.doesNotMatch(wrong.stdout, /open-sesame/);
  assert.match(right.oks.mail.found, /answers/);
});

test('public_url is another server, or none', { skip }, async () => {
  const other = await startCouch();
  const { faults } = await doctor({ sections: { channels: { public_url: other.url } } });
  await other.close();
  assert.match(faults.public_url.found, /another CouchDB/);
  const { faults: none } = await doctor({ sections: { channels: { public_url: `http://127.0.0.1:${await freePort()}/` } } });
  assert.match(none.public_url.found, /is not this CouchDB/);
  const { faults: path } = await doctor({ sections: { channels: { public_url: `${proxy.url}/couchdb/` } } });
  assert.match(path.public_url.found, /is not this CouchDB/);
});

test('require_valid_user keeps strangers out', { skip }, async () => {
  const { faults } = await doctorWhile('chttpd/require_valid_user', 'true');
  assert.match(faults.require_valid_user.found, /handshake/);
  assert.match(faults.handshake.found, /closed/);
});

test('min_iterations above 1', { skip }, async () => {
  const { faults } = await doctorWhile('chttpd_auth/min_iterations', '2');
  assert.match(faults.min_iterations.found, /= 2/);
});

test('changes_duration bounds nothing', { skip }, async () => {
  const { faults } = await doctorWhile('fabric/changes_duration', 'infinity');
  assert.match(faults.changes_duration.found, /for ever/);
  await unset('fabric/changes_duration');
  const { faults: unsetOne } = await doctor();
  await set('fabric/changes_duration', '60000');
  assert.match(unsetOne.changes_duration.found, /is not set/);
});

test('CORS is off: a note, and a fault for who names an app\'s origin', { skip }, async () => {
  const origin = 'https://app.example.com';
  assert.ok((await doctor()).notes.cors);
  assert.match((await doctor({ args: ['--origin', origin] })).faults.cors.do.join('\n'), /enable_cors = true/);
  await set('chttpd/enable_cors', 'true');
  await set('cors/origins', 'https://other.example.com');
  assert.match((await doctor({ args: ['--origin', origin] })).faults.cors.found, /origin is not allowed/);
  await set('cors/origins', origin);
  await set('cors/methods', 'GET, PUT, POST, HEAD, DELETE');
  await set('cors/headers', 'accept, origin');
  assert.match((await doctor({ args: ['--origin', origin] })).faults.cors.found, /authorization/);
  await set('cors/headers', 'accept, authorization, content-type, origin, referer');
  const { oks, faults } = await doctor({ args: ['--origin', origin] });
  assert.ok(oks.cors, JSON.stringify(faults));
  await unset('chttpd/enable_cors');
});

test('the proxy blocks /_utils/channels/, or the handshake', { skip }, async () => {
  proxy.blocks = /^\/_utils\//;
  assert.match((await doctor()).faults.page.found, /a proxy blocks it/);
  proxy.blocks = /\/proof\.js$/;
  assert.match((await doctor()).faults.page.found, /proof\.js/);
  proxy.blocks = /^\/channels-handshake/;
  assert.match((await doctor()).faults.handshake.do.join(), /proxy/);
  proxy.blocks = null;
});

test('the page is for another handshake', { skip }, async () => {
  const { faults } = await doctor({ sections: { channels: { handshake_db: 'channels-registry', registry_db: 'other' } } });
  assert.match(faults.page.found, /writes to channels-handshake/);
});

test('X-Forwarded-For: dropped, forged, and not tried where the proxy hides the database; nothing is left behind', { skip }, async () => {
  proxy.forwarded = 'dropped';
  assert.match((await doctor()).faults['x-forwarded-for'].found, /does not tell/);
  proxy.forwarded = 'kept';
  assert.match((await doctor()).faults['x-forwarded-for'].found, /as the client sent it/);
  proxy.forwarded = 'appended';
  proxy.blocks = /^\/channels-doctor-/;
  assert.match((await doctor()).notes['x-forwarded-for'].found, /not tried/);
  proxy.blocks = null;
  const { body } = await server.request('/_all_dbs');
  assert.deepEqual(body.filter((name) => name.startsWith('channels-doctor')), []);
});

test('clocks differ', { skip }, async () => {
  const { faults } = await doctor({ under: [...FAKETIME, '+5m'] });
  assert.match(faults.clock.found, /\b(299|300|301) s behind/);
  const { notes } = await doctor({ under: [...FAKETIME, '-20s'] });
  assert.match(notes.clock.found, /s ahead/);
});

test('design documents of each kind of database: older ones, and one of a newer program', { skip }, async () => {
  const found = async () => JSON.parse((await doctor()).stdout).checks.filter(({ name }) => name === 'design-documents').map(({ result, found: what }) => `${result}: ${what}`);
  const path = '/channels-handshake/_design/channels';
  const { body: design } = await server.request(path);
  const write = async (version) => server.request(path, { method: 'PUT', body: { ...design, version, _rev: (await server.request(path)).body._rev } });
  await write(design.version - 1);
  const old = ['control-doctor', 'channel-doctor'];
  for (const name of old) {
    await server.request(`/${name}`, { method: 'PUT' });
    await server.request(`/${name}/_design/channels`, { method: 'PUT', body: { version: 1 } });
  }
  const lines = await found();
  await write(design.version + 1);
  const newer = await found();
  await server.request(path, { method: 'PUT', body: { ...design, _rev: (await server.request(path)).body._rev } });
  for (const name of old) await server.request(`/${name}`, { method: 'DELETE' });
  assert.ok(lines.includes(`fault: channels-handshake has version ${design.version - 1}, old or changed; this program's is ${design.version}`), lines.join('\n'));
  for (const kind of ['control', 'channel']) assert.ok(lines.some((line) => line.startsWith(`note: 1 of the first 50 ${kind}-* have an older version`)), lines.join('\n'));
  assert.ok(newer.includes(`note: channels-handshake has version ${design.version + 1}, of a newer program; this one has ${design.version}`), newer.join('\n'));
  assert.deepEqual((await found()).map((line) => line.split(':')[0]), ['ok']);
});

test('what a running daemon puts right', { skip }, async () => {
  await server.request('/_global_changes', { method: 'DELETE' });
  await server.request('/channels-handshake/_security', { method: 'PUT', body: { members: { names: [], roles: ['somebody'] }, admins: { names: [], roles: ['_admin'] } } });
  const path = '/channels-registry/_design/channels';
  const { body: design } = await server.request(path);
  await server.request(path, { method: 'PUT', body: { ...design, version: design.version - 1, views: {} } });
  const { faults } = await doctor();
  assert.match(faults._global_changes.found, /sweep alone/);
  assert.match(faults.handshake.found, /closed: a stranger's GET/);
  assert.match(faults['design-documents'].found, new RegExp(`channels-registry has version ${design.version - 1}, old or changed`));

  await server.request('/channels-handshake/_security', { method: 'PUT', body: { members: { names: [], roles: [] }, admins: { names: [], roles: ['_admin'] } } });
  await server.request('/channels-registry/_security', { method: 'PUT', body: { members: { names: [], roles: [] } } });
  const rules = await server.request('/channels-handshake/_design/channels');
  await server.request(`/channels-handshake/_design/channels?rev=${rules.body._rev}`, { method: 'DELETE' });
  const open = (await doctor()).faults;
  assert.match(open.handshake.found, /takes any document/);
  assert.match(open.closed.found, /anybody can read channels-registry/);
  const { body } = await server.request('/channels-handshake/_all_docs?startkey="doctor"&endkey="doctor~"');
  assert.deepEqual(body.rows, [], 'what it wrote is gone');

  await server.request('/channels-handshake', { method: 'DELETE' });
  assert.match((await doctor()).faults.handshake.found, /is not there/);
  daemon.start();
  await daemon.waitUntilReady();
  assert.deepEqual((await doctor()).faults, {});
});

test('the server is away: it says so, and looks at the files', { skip }, async () => {
  await server.stop();
  const { faults, oks } = await doctor({ sections: { channels_mail: { server: `smtp://127.0.0.1:${await freePort()}` } } });
  assert.match(faults.server.found, /does not answer/);
  assert.match(faults.server.do.join(), /not checked without it/);
  assert.ok(faults.mail && oks.secret && oks.admins);
  await server.start();
});

// The manager inside a real CouchDB, loaded as the package does it: our own program under it, from the line in
// the configuration to the node's end.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverKind } from '../lib/couch_server.mjs';
import { newNames } from '../lib/daemon.mjs';
import { Device, newCredential } from '../lib/device.mjs';
import { startMailSink } from '../lib/mail_sink.mjs';
import { basicAuth, waitFor } from '../lib/net.mjs';
import { COUCHDB_HOME } from '../lib/server_process.mjs';
import {
  channelsIn, oneProcessOf, processesIn, processesOf, scriptIn, setSetting, setting, startInstalled, writeOsDaemons,
} from './installed.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
// It ignores all that asks it to end, and says where it is.
const STUBBORN = 'trap "" TERM INT HUP; exec < /dev/null; echo "stubborn: standard error" >&2; pwd -P > "$0.cwd.new"; mv "$0.cwd.new" "$0.cwd"; while :; do sleep 1; done';

let server;
let mail;
let program;
let stubborn;
const names = newNames();

before(async () => {
  if (skip) return;
  mail = await startMailSink();
  server = await startInstalled({
    daemons: {
      channels: (dir) => { program = channelsIn(dir); return program; },
      stubborn: (dir) => { stubborn = scriptIn(dir, 'stubborn', STUBBORN); return stubborn; },
    },
    config: {
      channels: names, channels_mail: { server: mail.url, from: 'no-reply@channels.example' },
      os_daemon_settings: { kill_timeout: 2 },
    },
  });
});
after(async () => {
  await server?.close();
  await mail?.close();
});

async function works(owner) {
  const device = new Device({ handshake: `${server.url}/${names.handshake_db}`, owner });
  await waitFor(async () => (await device.register()).status === 201, { timeout: 60000, what: 'a registration' });
  return device.waitFor('confirming', { timeout: 60000 });
}

test('one line in the configuration of a fresh node, and the daemon works', { skip }, async () => {
  await works('fresh@example.com');
  await oneProcessOf(program);
});

test('what it needs of CouchDB is set, but not saved; the secret is, and is in no log', { skip }, async () => {
  assert.equal(await setting(server, 'fabric', 'changes_duration'), '60000');
  assert.equal(await setting(server, 'chttpd_auth', 'upgrade_hash_on_auth'), 'false');
  assert.equal(await setting(server, 'query_server_config', 'db_tag'), 'none');
  const saved = readFileSync(join(server.dir, 'etc/local.ini'), 'utf8');
  assert.doesNotMatch(saved, /changes_duration|upgrade_hash|db_tag/);
  const [, secret] = /^secret = ([0-9a-f]{64})$/m.exec(saved);
  assert.equal(server.outputText().includes(secret), false);
  assert.match(server.outputText(), /\[chttpd_auth\] secret was not set; a random one was made/);
});

test('a device\'s hash stays as the device made it, with its one round', { skip }, async () => {
  const { secret, verifier } = newCredential();
  const path = '/_users/org.couchdb.user:a-device';
  await server.request(path, { method: 'PUT', body: { _id: 'org.couchdb.user:a-device', name: 'a-device', type: 'user', roles: [], ...verifier } });
  for (let round = 0; round < 3; round += 1) {
    const { body } = await server.request('/_session', { auth: `a-device:${secret}` });
    assert.equal(body.userCtx.name, 'a-device');
    await sleep(1000);
  }
  const { body } = await server.request(path);
  assert.equal(body.iterations, 1);
  assert.match(body._rev, /^1-/);
});

test('a daemon works in CouchDB\'s own folder, and its standard error is the node\'s', { skip }, async () => {
  await waitFor(() => existsSync(`${stubborn}.cwd`), { what: 'its folder' });
  assert.equal(readFileSync(`${stubborn}.cwd`, 'utf8').trim(), realpathSync(COUCHDB_HOME));
  assert.match(server.outputText(), /^stubborn: standard error$/m);
});

test('it inherits nothing that would make another node a manager', { skip }, async () => {
  const environment = readFileSync(`/proc/${await oneProcessOf(program)}/environ`, 'utf8').split('\0');
  assert.ok(environment.some((line) => line.startsWith('PATH=')));
  assert.deepEqual(environment.filter((line) => /^(ERL_\w*FLAGS|BINDIR|ROOTDIR|EMU|PROGNAME)=/.test(line)), []);
});

test('kill -9: it is there again, and works', { skip }, async () => {
  for (let round = 0; round < 3; round += 1) {
    const pid = await oneProcessOf(program);
    process.kill(pid, 'SIGKILL');
    await oneProcessOf(program, { not: pid });
  }
  await works('killed@example.com');
});

test('a change made through the config API restarts it with what is new', { skip }, async () => {
  const pid = await oneProcessOf(program);
  const other = `${names.handshake_db}-2`;
  assert.equal((await setSetting(server, 'channels', 'handshake_db', other)).status, 200);
  await waitFor(async () => (await server.request(`/${other}`)).status === 200, { timeout: 60000, what: 'the other database' });
  const next = await oneProcessOf(program, { not: pid });
  assert.equal((await setSetting(server, 'channels', 'handshake_db', names.handshake_db)).status, 200);
  await oneProcessOf(program, { not: next });
  await works('changed@example.com');
});

test('a change elsewhere leaves it alone', { skip }, async () => {
  const pid = await oneProcessOf(program);
  await setSetting(server, 'some_section', 'key', 'value');
  await sleep(1000);
  assert.equal(await oneProcessOf(program), pid);
});

test('no administrator can name a program over HTTP', { skip }, async () => {
  for (const section of ['os_daemons', 'os%5fdaemons', 'os_daemons%20', '%20os_daemons', 'OS_DAEMONS', 'os_daemons%00']) {
    const file = join(server.dir, 'written-over-http');
    const answer = await setSetting(server, section, 'x', `/usr/bin/touch ${file}`).catch((error) => ({ status: error.message }));
    await server.request('/_node/_local/_config/_reload', { method: 'POST', body: {} });
    await sleep(300);
    assert.deepEqual(processesOf('/usr/bin/touch'), [], section);
    assert.throws(() => readFileSync(file), /ENOENT/, `${section}: ${answer.status}`);
    assert.equal((await server.request('/_node/_local/_config/os_daemons')).body.x, undefined, section);
  }
});

test('a reload of the ini files keeps what was set, and the daemon', { skip }, async () => {
  await server.request('/_node/_local/_config/_reload', { method: 'POST', body: {} });
  await waitFor(async () => await setting(server, 'fabric', 'changes_duration') === '60000'
    && await setting(server, 'query_server_config', 'db_tag') === 'none', { what: 'the settings' });
  await works('reloaded@example.com');
});

test('the operator\'s own value stays, and ours comes back when he takes it away', { skip }, async () => {
  await setSetting(server, 'fabric', 'changes_duration', '90000');
  await server.request('/_node/_local/_config/_reload', { method: 'POST', body: {} });
  assert.equal(await setting(server, 'fabric', 'changes_duration'), '90000');
  await server.request('/_node/_local/_config/fabric/changes_duration', { method: 'DELETE' });
  await waitFor(async () => await setting(server, 'fabric', 'changes_duration') === '60000', { what: 'our own again' });
});

// A feed as a device that means no good would open it: it never has a pause at which CouchDB looks at changes_duration.
async function openFeed(path) {
  const feed = { text: '', ended: false };
  const { body } = await fetch(`${server.url}${path}/_changes?feed=continuous&since=now&heartbeat=3600000`, { headers: basicAuth(server) });
  feed.done = (async () => {
    for await (const chunk of body) feed.text += Buffer.from(chunk);
    feed.ended = true;
  })();
  return feed;
}

test('an open feed ends at its first row after changes_duration, whatever its heartbeat', { skip }, async () => {
  await setSetting(server, 'fabric', 'changes_duration', '2000');
  const database = `/${names.registry_db}-feed`;
  await server.request(database, { method: 'PUT' });
  const feed = await openFeed(database);
  await sleep(6000);
  for (const name of ['first', 'second']) {
    await server.request(`${database}/${name}`, { method: 'PUT', body: {} });
    await sleep(3000);
  }
  await waitFor(() => feed.ended, { what: 'the end of the feed' });
  assert.match(feed.text, /"id":"first"/);
  assert.doesNotMatch(feed.text, /"id":"second"/);
  await server.request('/_node/_local/_config/fabric/changes_duration', { method: 'DELETE' });
});

test('the node stops: all daemons end before it, also one that ignores everything; then there is one of each', { skip }, async () => {
  await server.stop();
  assert.deepEqual(processesIn(server.dir), []);
  await server.start();
  await oneProcessOf(program);
  await oneProcessOf(stubborn);
  await works('restarted@example.com');
});

test('the node is killed: no daemon outlives it for longer than kill_timeout', { skip }, async () => {
  await server.kill();
  await waitFor(() => processesIn(server.dir).length === 0, { timeout: 60000, what: 'the end of all daemons' })
    .catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(processesIn(server.dir))}`); });
  await server.start();
  await oneProcessOf(program);
  await works('after-a-kill@example.com');
});

test('without the lines nothing runs, and CouchDB is as before; with them all is there again', { skip }, async () => {
  await writeOsDaemons(server, {});
  await waitFor(() => processesIn(server.dir).length === 0, { timeout: 60000, what: 'the end of all daemons' });
  await waitFor(async () => (await server.request('/_node/_local/_config/fabric/changes_duration')).status === 404, { what: 'the settings\' end' });
  await writeOsDaemons(server, { channels: program });
  await oneProcessOf(program);
  await waitFor(async () => await setting(server, 'fabric', 'changes_duration') === '60000', { what: 'the settings' });
});

// nginx in front, with the very snippet of docs/operations.md and TLS: doctor finds nothing through it, a device goes through
// the loop, and what nobody outside needs does not come through.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverKind, startCouch } from '../lib/couch_server.mjs';
import { PROGRAM, startDaemon } from '../lib/daemon.mjs';
import { fencedBlock, readDoc } from '../lib/docs.mjs';
import { startMailSink } from '../lib/mail_sink.mjs';
import { freePort, waitFor } from '../lib/net.mjs';

const SYSTEM_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const NGINX = '/usr/sbin/nginx';
const skip = reasonToSkip();
const NAMES = { handshake_db: 'channels-handshake', registry_db: 'channels-registry', control_prefix: 'control-', channel_prefix: 'channel-' };
const DIRECTORY = 'channels-directory';

const folder = mkdtempSync(join(tmpdir(), 'channels-nginx-'));
let server;
let mail;
let daemon;
let nginx;
let port;

function reasonToSkip() {
  if (serverKind({ own: true }) !== 'couchdb') return 'needs a CouchDB under COUCHDB_HOME';
  // doctor trusts the certificate of this test alone, in a mount namespace of its own.
  return process.getuid() === 0 ? false : 'needs root, for unshare and mount';
}

/** The snippet with this test's port, certificate and CouchDB, and with what nginx needs around it. */
function configuration() {
  const snippet = fencedBlock(readDoc('operations.md'), 'nginx')
    .replaceAll('listen 443 ssl', `listen 127.0.0.1:${port} ssl`).replaceAll('sync.example.com', 'localhost')
    .replaceAll('/etc/ssl/certs/localhost.pem', `${folder}/certificate.pem`).replaceAll('/etc/ssl/private/localhost.key', `${folder}/key.pem`)
    .replaceAll('http://127.0.0.1:5984', server.url);
  assert.doesNotMatch(snippet, /5984|example\.com|listen 443/);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  return `daemon off; pid ${folder}/pid; worker_processes 1; error_log stderr; user root;\nevents {}\nhttp { access_log off; ${temporary}\n${snippet}\n}\n`;
}

before(async () => {
  if (skip) return;
  port = await freePort();
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')], { stdio: 'ignore' });
  chmodSync(join(folder, 'key.pem'), 0o600);
  server = await startCouch({ own: true, config: { fabric: { changes_duration: 60000 } } });
  mail = await startMailSink();
  daemon = await startDaemon({ server, mail, names: NAMES, channels: { public_url: `https://localhost:${port}/`, directory_db: DIRECTORY } });
  writeFileSync(join(folder, 'nginx.conf'), configuration());
  nginx = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  nginx.log = '';
  nginx.stderr.on('data', (chunk) => { nginx.log += chunk; });
  await waitFor(async () => (await ask('/_up')).status === 200, { what: 'nginx' }).catch((error) => { throw new Error(`${error.message}\n${nginx.log}`); });
});
after(async () => {
  if (nginx && nginx.exitCode === null) {
    nginx.kill('SIGTERM');
    await new Promise((done) => nginx.once('exit', done));
  }
  await daemon?.close();
  await mail?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** {status, body} of a request through nginx. */
function ask(path, { method = 'GET', body, headers = {} } = {}) {
  const ca = readFileSync(join(folder, 'certificate.pem'));
  return new Promise((resolve, reject) => {
    const request = https.request({ host: 'localhost', port, path, method, ca, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => { text += chunk; });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** doctor, on a machine whose certificates are this test's. */
async function doctor() {
  const words = ['doctor', '--json', ...daemon.iniFiles().flatMap((file) => ['--ini', file])];
  const script = 'mount --bind "$0" "$1" && shift && exec "$@"';
  const { stdout } = await promisify(execFile)('unshare', ['--mount', 'sh', '-c', script, join(folder, 'certificate.pem'), SYSTEM_CERTIFICATES, PROGRAM, ...words])
    .catch((error) => (error.stdout ? error : Promise.reject(error)));
  return JSON.parse(stdout);
}

test('doctor finds no fault through it, and has looked', { skip }, async () => {
  const { faults, checks } = await doctor();
  assert.equal(faults, 0, JSON.stringify(checks, null, 1));
  const isWell = (name) => checks.some((check) => check.name === name && check.result === 'ok');
  for (const name of ['public_url', 'page', 'handshake', 'x-forwarded-for']) assert.ok(isWell(name), name);
});

test('a certificate that nobody vouches for is a fault', { skip }, async () => {
  const { stdout } = await promisify(execFile)(PROGRAM, ['doctor', '--json', ...daemon.iniFiles().flatMap((file) => ['--ini', file])]).catch((error) => error);
  const fault = JSON.parse(stdout).checks.find(({ name, result }) => name === 'public_url' && result === 'fault');
  assert.match(fault.found, /certificate/i);
});

test('what nobody outside needs is not there', { skip }, async () => {
  for (const path of ['/_all_dbs', '/_users', '/_node/_local/_config', '/_utils/', '/channels-registry', '/_replicator', '/_config', '/_session/../_all_dbs'])
    assert.equal((await ask(path)).status, 404, path);
  assert.match((await ask('/control-none')).text, /Database does not exist/, 'CouchDB\'s own answer');
  assert.equal((await ask('/_session')).status, 200);
});

test('the directory of public channels is there, for who logs in', { skip }, async () => {
  const path = `/${DIRECTORY}/_all_docs`;
  assert.equal((await ask(path)).status, 401);
  const authorization = `Basic ${Buffer.from(`${server.user}:${server.password}`).toString('base64')}`;
  const { status, text } = await ask(path, { headers: { authorization } });
  assert.equal(status, 200, text);
  assert.ok(Array.isArray(JSON.parse(text).rows), text);
});

test('the handshake takes what is small, and not too often', { skip }, async () => {
  const write = (size) => ask('/channels-handshake/x', { method: 'PUT', body: JSON.stringify({ x: 'x'.repeat(size) }) });
  assert.equal((await write(10)).status, 403);
  assert.equal((await write(20000)).status, 413);
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask('/channels-handshake')));
  assert.ok(answers.some(({ status }) => status === 429));
  assert.ok(answers.some(({ status }) => status === 200));
});

test('a feed\'s rows come as they are written', { skip }, async () => {
  await server.request('/channel-feed-of-a-test', { method: 'PUT' });
  await server.request('/channel-feed-of-a-test/_security', { method: 'PUT', body: { members: { names: [], roles: [] } } });
  const ca = readFileSync(join(folder, 'certificate.pem'));
  let text = '';
  const feed = https.get({ host: 'localhost', port, path: '/channel-feed-of-a-test/_changes?feed=continuous&heartbeat=50000', ca }, (answer) => {
    answer.on('data', (chunk) => { text += chunk; });
    answer.on('error', () => {});
  });
  feed.on('error', () => {});
  await server.request('/channel-feed-of-a-test/one', { method: 'PUT', body: {} });
  await waitFor(() => text.includes('"id":"one"'), { what: 'the row' });
  feed.destroy();
});

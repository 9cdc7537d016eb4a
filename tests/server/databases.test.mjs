// Databases' names, making them twice, the configuration, static files, and what a crash leaves. The same
// assertions hold on a real CouchDB and on the embedded server.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverKind, startCouch } from '../lib/couch_server.mjs';

let couch;
const mark = `${process.pid}-${Date.now()}`;
const db = `server-test-databases-${mark}`;
const made = new Set();
const put = (name) => {
  made.add(name);
  return couch.request(`/${encodeURIComponent(name)}`, { method: 'PUT' });
};
const own = serverKind({ own: true }) === 'external'
  ? 'the server was given by COUCHDB_URL: the tests may not stop it or lay files into it' : false;

before(async () => { couch = await startCouch(); });
after(async () => {
  for (const name of made) await couch.request(`/${encodeURIComponent(name)}`, { method: 'DELETE' });
  await couch.close();
});

test('names that CouchDB refuses are refused', async () => {
  for (const name of [`Upper-${mark}`, `1-${mark}`, `-${mark}`, `a.b-${mark}`, `a b ${mark}`]) {
    const { status, body } = await put(name);
    assert.deepEqual([status, body.error], [400, 'illegal_database_name'], name);
  }
  assert.equal((await put(`_nothing-${mark}`)).status >= 400, true);
});

test('a name with a slash and signs is one database and no other', async () => {
  const name = `${db}/sub+$()_x`;
  assert.equal((await put(name)).status, 201);
  assert.equal((await couch.request(`/${encodeURIComponent(name)}`)).body.db_name, name);
  assert.equal((await couch.request(`/${encodeURIComponent(name.replace('/', ''))}`)).status, 404);
  assert.equal((await couch.request(`/${encodeURIComponent(name)}/doc`, { method: 'PUT', body: { n: 1 } })).status, 201);
  assert.equal((await couch.request(`/${encodeURIComponent(name)}/doc`)).body.n, 1);
});

test('of 20 PUTs of one name at once exactly one makes the database', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => put(`${db}-race`)));
  assert.equal(answers.filter((answer) => [201, 202].includes(answer.status)).length, 1);
  assert.equal(answers.filter((answer) => answer.status === 412 && answer.body.error === 'file_exists').length, 19);
});

test('a deleted database is gone, and one of the same name starts empty', async () => {
  const path = `/${db}-again`;
  await put(`${db}-again`);
  await couch.request(`${path}/x`, { method: 'PUT', body: {} });
  const { body: old } = await couch.request(path);
  assert.equal((await couch.request(path, { method: 'DELETE' })).status, 200);
  const gone = await couch.request(path);
  assert.deepEqual([gone.status, gone.body.reason], [404, 'Database does not exist.']);
  assert.equal((await couch.request(path, { method: 'DELETE' })).status, 404);
  await put(`${db}-again`);
  assert.equal((await couch.request(`${path}/x`)).status, 404);
  await couch.request(`${path}/y`, { method: 'PUT', body: {} });
  const { body } = await couch.request(`${path}/_changes?since=${encodeURIComponent(old.update_seq)}`);
  assert.deepEqual(body.results.map((row) => row.id), ['y']);
});

test('a configuration value is written, read, listed and removed over HTTP', async () => {
  const path = `/_node/_local/_config/channels_test_${process.pid}/some_key`;
  assert.equal((await couch.request(path)).status, 404);
  assert.equal((await couch.request(path, { method: 'PUT', body: '"one"' })).body, '');
  assert.equal((await couch.request(path, { method: 'PUT', body: '"two"' })).body, 'one');
  assert.equal((await couch.request(path)).body, 'two');
  const { body } = await couch.request(path.replace('/some_key', ''));
  assert.deepEqual(body, { some_key: 'two' });
  assert.equal((await couch.request(path, { method: 'DELETE' })).body, 'two');
  assert.equal((await couch.request(path)).status, 404);
});

test('an idle connection is kept for longer than 10 s', { timeout: 30000 }, async () => {
  const { Agent, request } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 1, keepAliveMsecs: 30000 });
  const get = () => new Promise((resolve, reject) => {
    const sent = request(`${couch.url}/_up`, { agent }, (res) => {
      res.resume();
      res.on('end', () => resolve(sent.reusedSocket));
    });
    sent.on('error', reject);
    sent.end();
  });
  await get();
  await new Promise((resolve) => { setTimeout(resolve, 10500); });
  assert.equal(await get(), true);
  agent.destroy();
});

test('pages under /_utils/ come with the policy that forbids inline scripts', { skip: own }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'channels-pages-'));
  writeFileSync(join(folder, 'page.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'page.js'), 'export {};');
  const server = await startCouch({ own: true, pages: { channels: folder } });
  try {
    const page = await server.request('/_utils/channels/page.html', { auth: null });
    assert.equal(page.status, 200);
    assert.match(page.text, /<title>page/);
    assert.match(page.headers.get('content-type'), /text\/html/);
    const policy = page.headers.get('content-security-policy');
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /script-src 'self' 'unsafe-eval'/);
    assert.match((await server.request('/_utils/channels/page.js', { auth: null })).headers.get('content-type'), /javascript/);
    assert.equal((await server.request('/_utils/channels/none.html', { auth: null })).status, 404);
    const outside = await server.request('/_utils/channels/..%2f..%2f..%2fetc%2fpasswd', { auth: null });
    assert.notEqual(outside.status, 200);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('what was acknowledged is there after kill -9 and a new start on the same port', { skip: own }, async () => {
  const server = await startCouch({ own: true });
  try {
    await server.request('/kept', { method: 'PUT' });
    await server.request('/kept/_security', { method: 'PUT', body: { members: { roles: ['user:1'] } } });
    for (let n = 0; n < 50; n += 1) {
      assert.equal((await server.request(`/kept/d${n}`, { method: 'PUT', body: { n } })).status, 201);
    }
    const { body: before } = await server.request('/kept/_changes');
    await server.kill();
    await assert.rejects(server.request('/_up', { timeout: 2000 }));
    await server.start();
    const { body } = await server.request('/kept/_all_docs');
    assert.equal(body.rows.length, 50);
    assert.deepEqual((await server.request('/kept/_security')).body.members, { roles: ['user:1'] });
    const { body: more } = await server.request(`/kept/_changes?since=${encodeURIComponent(before.last_seq)}`);
    assert.deepEqual(more.results, []);
  } finally {
    await server.close();
  }
});

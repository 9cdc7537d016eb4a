// Who gets in: log-ins, cookies (also one minted by hand, as the daemon does it), `_users`, security objects.
// The same assertions hold on a real CouchDB and on the embedded server.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { startCouch } from '../lib/couch_server.mjs';
import { waitFor } from '../lib/net.mjs';

let couch;
const mark = `${process.pid}-${Date.now()}`;
const db = `server-test-access-${mark}`;
const userId = (name) => `org.couchdb.user:${name}`;
const users = [];

before(async () => {
  couch = await startCouch();
  assert.equal((await couch.request(`/${db}`, { method: 'PUT' })).status, 201);
});
after(async () => {
  await couch.request(`/${db}`, { method: 'DELETE' });
  for (const name of users) {
    const { body } = await couch.request(`/_users/${userId(name)}`);
    if (body._rev) await couch.request(`/_users/${userId(name)}?rev=${body._rev}`, { method: 'DELETE' });
  }
  await couch.close();
});

/** A user with a verifier made by hand, as a device makes it: SHA-1, one iteration, unless told otherwise. */
async function makeUser(suffix, { roles = [], prf } = {}) {
  const name = `${suffix}-${mark}`;
  const password = randomBytes(16).toString('hex');
  const salt = randomBytes(16).toString('hex');
  const derived = pbkdf2Sync(password, salt, 1, prf === 'sha256' ? 32 : 20, prf ?? 'sha1').toString('hex');
  const doc = {
    type: 'user', name, roles, password_scheme: 'pbkdf2', salt, iterations: 1, derived_key: derived,
    ...(prf ? { pbkdf2_prf: prf } : {}),
  };
  const { status } = await couch.request(`/_users/${userId(name)}`, { method: 'PUT', body: doc });
  assert.equal(status, 201);
  users.push(name);
  return { user: name, password, salt };
}

const setSecurity = (security) => couch.request(`/${db}/_security`, { method: 'PUT', body: security });
const statusOf = async (path, auth, options = {}) => (await couch.request(path, { auth, ...options })).status;

test('a user whose verifier was made with SHA-1 and one iteration logs in, with a wrong password he does not', async () => {
  const alice = await makeUser('sha1', { roles: ['user:1'] });
  const session = await couch.request('/_session', { auth: alice });
  assert.deepEqual(session.body.userCtx, { name: alice.user, roles: ['user:1'] });
  assert.equal(await statusOf('/_session', { ...alice, password: 'wrong' }), 401);
});

test('a user whose verifier was made with SHA-256 logs in', async () => {
  const bob = await makeUser('sha256', { prf: 'sha256' });
  assert.equal((await couch.request('/_session', { auth: bob })).body.userCtx.name, bob.user);
});

test('POST /_session gives a cookie that logs in, and one with a changed byte does not', async () => {
  const carol = await makeUser('cookie');
  const login = await couch.request('/_session', { auth: null, method: 'POST', body: { name: carol.user, password: carol.password } });
  assert.equal(login.status, 200);
  const cookie = login.headers.get('set-cookie').split(';')[0];
  const named = await couch.request('/_session', { auth: null, headers: { cookie } });
  assert.equal(named.body.userCtx.name, carol.user);
  const forged = cookie.slice(0, -2) + (cookie.endsWith('AA') ? 'BB' : 'AA');
  const nobody = await couch.request('/_session', { auth: null, headers: { cookie: forged } });
  assert.equal(nobody.body.userCtx?.name ?? null, null);
});

/** An admin's cookie from what the configuration says, as the daemon mints it. */
async function mintAdminCookie({ age = 0, hash = 'sha256' } = {}) {
  const config = async (section, key) => (await couch.request(`/_node/_local/_config/${section}/${key}`)).body;
  const [, salt] = (await config('admins', couch.user)).split(',');
  const secret = await config('chttpd_auth', 'secret');
  const time = (Math.floor(Date.now() / 1000) - age).toString(16).toUpperCase();
  const signed = `${couch.user}:${time}`;
  const mac = createHmac(hash, secret + salt).update(signed).digest();
  return `AuthSession=${Buffer.concat([Buffer.from(`${signed}:`), mac]).toString('base64url')}`;
}

test("an admin's cookie minted from [admins], its salt and the cookie secret is an admin's session", async () => {
  for (const hash of ['sha256', 'sha1']) {
    const { body } = await couch.request('/_session', { auth: null, headers: { cookie: await mintAdminCookie({ hash }) } });
    assert.deepEqual(body.userCtx, { name: couch.user, roles: ['_admin'] }, hash);
  }
});

test('a minted cookie that is past its time is nobody', async () => {
  const headers = { cookie: await mintAdminCookie({ age: 3600 }) };
  assert.equal((await couch.request('/_session', { auth: null, headers })).body.userCtx.name, null);
  assert.equal((await couch.request('/_all_dbs', { auth: null, headers })).status, 401);
});

test('a new database is for admins only', async () => {
  const eve = await makeUser('stranger');
  const fresh = `${db}-fresh`;
  await couch.request(`/${fresh}`, { method: 'PUT' });
  assert.equal(await statusOf(`/${fresh}`, null), 401);
  assert.equal(await statusOf(`/${fresh}`, eve), 403);
  await couch.request(`/${fresh}`, { method: 'DELETE' });
});

test('a security object opens a database by role on every route, and keeps the others out with 403', async () => {
  const member = await makeUser('member', { roles: ['user:7'] });
  const other = await makeUser('other', { roles: ['user:8'] });
  await setSecurity({ members: { roles: ['user:7'] }, admins: { roles: ['_admin'] } });
  await couch.request(`/${db}/doc`, { method: 'PUT', body: {} });
  const routes = [
    ['GET', ''], ['GET', '/doc'], ['GET', '/_changes'], ['GET', '/_all_docs'], ['GET', '/_security'],
    ['POST', '/_bulk_get', { docs: [{ id: 'doc' }] }], ['POST', '/_revs_diff', { doc: ['1-x'] }], ['POST', '/_all_docs', { keys: ['doc'] }],
  ];
  for (const [method, rest, body] of routes) {
    assert.equal(await statusOf(`/${db}${rest}`, member, { method, body }), 200, `member ${method} ${rest}`);
    assert.equal(await statusOf(`/${db}${rest}`, other, { method, body }), 403, `other ${method} ${rest}`);
    assert.equal(await statusOf(`/${db}${rest}`, null, { method, body }), 401, `anonymous ${method} ${rest}`);
  }
  assert.equal(await statusOf(`/${db}/_bulk_docs`, other, { method: 'POST', body: { docs: [{}] } }), 403);
  assert.equal(await statusOf(`/${db}/_bulk_docs`, member, { method: 'POST', body: { docs: [{}] } }), 201);
});

test('a member may not write design documents or the security object, nor purge or compact', async () => {
  const member = await makeUser('plain', { roles: ['user:9'] });
  await setSecurity({ members: { roles: ['user:9'] } });
  assert.equal(await statusOf(`/${db}/_design/x`, member, { method: 'PUT', body: {} }), 403);
  const bulk = await couch.request(`/${db}/_bulk_docs`, { auth: member, method: 'POST', body: { docs: [{ _id: '_design/x' }] } });
  assert.equal(bulk.body[0].error, 'forbidden');
  // CouchDB 3.5 refuses it on each shard and then says 500, no_majority.
  assert.ok([401, 403, 500].includes(await statusOf(`/${db}/_security`, member, { method: 'PUT', body: {} })));
  assert.deepEqual((await couch.request(`/${db}/_security`)).body.members.roles, ['user:9']);
  assert.ok([401, 403].includes(await statusOf(`/${db}/_purge`, member, { method: 'POST', body: {} })));
  assert.ok([401, 403].includes(await statusOf(`/${db}/_compact`, member, { method: 'POST', body: {} })));
});

test('making and deleting databases, and every route of the server, is for admins; the server outlives the attempt', async () => {
  const mallory = await makeUser('mallory');
  for (const auth of [null, mallory]) {
    assert.ok([401, 403].includes(await statusOf(`/${db}-mine`, auth, { method: 'PUT' })));
    assert.ok([401, 403].includes(await statusOf(`/${db}`, auth, { method: 'DELETE' })));
    for (const path of ['/_all_dbs', '/_db_updates', '/_node/_local/_config', '/_node/_local/_config/admins']) {
      assert.ok([401, 403].includes(await statusOf(path, auth)), path);
    }
  }
  assert.equal(await statusOf('/_up', null), 200);
});

test('a user sees no foreign document, and not the list', async () => {
  const own = await makeUser('own');
  const foreign = await makeUser('foreign');
  // Not even his own, by the security object that 3.x gives every new database.
  assert.equal(await statusOf(`/_users/${userId(own.user)}`, own), 403);
  assert.ok([403, 404].includes(await statusOf(`/_users/${userId(foreign.user)}`, own)));
  assert.ok([401, 403].includes(await statusOf('/_users/_all_docs', own)));
  assert.ok([401, 403].includes(await statusOf('/_users/_changes', own)));
});

test('a user cannot give himself roles', async () => {
  const greedy = await makeUser('greedy', { roles: ['user:3'] });
  const { body } = await couch.request(`/_users/${userId(greedy.user)}`, { auth: greedy });
  const refused = await couch.request(`/_users/${userId(greedy.user)}`, { auth: greedy, method: 'PUT', body: { ...body, roles: ['user:3', 'user:4'] } });
  assert.equal(refused.status, 403);
});

test('a password in clear is hashed, and logs in', async () => {
  const name = `clear-${mark}`;
  users.push(name);
  const doc = { type: 'user', name, roles: [], password: 'open sesame' };
  assert.equal(await statusOf(`/_users/${userId(name)}`, couch, { method: 'PUT', body: doc }), 201);
  const { body } = await couch.request(`/_users/${userId(name)}`);
  assert.equal(body.password, undefined);
  assert.equal(body.password_scheme, 'pbkdf2');
  assert.equal((await couch.request('/_session', { auth: { user: name, password: 'open sesame' } })).body.userCtx.name, name);
});

test('a deleted user is refused soon', async () => {
  const late = await makeUser('late');
  assert.equal(await statusOf('/_session', late), 200);
  // From 3.4 CouchDB rewrites the hash after a log-in: the rev may be another one by now.
  await waitFor(async () => {
    const { body } = await couch.request(`/_users/${userId(late.user)}`);
    return (await couch.request(`/_users/${userId(late.user)}?rev=${body._rev}`, { method: 'DELETE' })).status === 200;
  });
  await waitFor(async () => (await statusOf('/_session', late)) === 401);
});

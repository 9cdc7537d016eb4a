// Validation of control and channel databases and the filters of the former, on a server: as members and devices meet
// them. handshake.test.mjs does the same for the handshake.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startCouch } from '../lib/couch_server.mjs';
import { read } from '../lib/design_docs.mjs';
import { request } from '../lib/net.mjs';

const TAG = `dd-${process.pid}-${Date.now()}`;
const HISTORY = { start: 7, ids: ['f'.repeat(32), 'e'.repeat(32)] };

let server;
const users = [];
before(async () => { server = await startCouch(); });
after(async () => {
  for (const name of [`${TAG}-control`, `${TAG}-channel`]) await server.request(`/${name}`, { method: 'DELETE' });
  for (const { user } of users) {
    const { body } = await server.request(`/_users/org.couchdb.user:${user}`);
    await server.request(`/_users/org.couchdb.user:${user}?rev=${body._rev}`, { method: 'DELETE' });
  }
  await server.close();
});

async function makeUser(role) {
  const name = `${TAG}-${role}`;
  const doc = { name, type: 'user', roles: [`user:${role}`], password: 'secret' };
  assert.equal((await server.request(`/_users/org.couchdb.user:${name}`, { method: 'PUT', body: doc })).status, 201);
  users.push({ user: name, password: 'secret' });
  return users.at(-1);
}

async function makeDatabase(name, design, security) {
  await server.request(`/${name}`, { method: 'PUT' });
  assert.equal((await server.request(`/${name}/_design/channels`, { method: 'PUT', body: { language: 'javascript', ...design } })).status, 201);
  await server.request(`/${name}/_security`, { method: 'PUT', body: { admins: { names: [], roles: ['_admin'] }, ...security } });
}

const put = (db, auth, doc, rest = '') => request(`${server.url}/${db}/${encodeURIComponent(doc._id)}${rest}`, { method: 'PUT', auth, body: doc });
const replicate = async (db, auth, doc) => {
  const { body } = await request(`${server.url}/${db}/_bulk_docs`, {
    method: 'POST', auth, body: { new_edits: false, docs: [{ ...doc, _rev: `${HISTORY.start}-${HISTORY.ids[0]}`, _revisions: HISTORY }] },
  });
  return body[0]?.error ?? 'taken';
};

describe('a control database', () => {
  const db = `${TAG}-control`;
  const id = 'c'.repeat(20);
  let member;
  before(async () => {
    member = await makeUser('u1');
    const filters = { by_type: read('control', 'filters/by_type.js'), by_channel: read('control', 'filters/by_channel.js') };
    await makeDatabase(db, { validate_doc_update: read('control', 'validate_doc_update.js'), filters },
      { members: { names: [], roles: ['user:u1'] } });
  });

  test('refuses wrong forms by PUT and by replication', async () => {
    const good = { type: 'channel', state: 'new', name: 'Fun' };
    for (const [what, doc] of Object.entries({
      'no type': { ...good, type: undefined },
      'no state': { ...good, state: undefined },
      'a long name': { ...good, name: 'n'.repeat(201) },
      'a huge document': { ...good, note: 'x'.repeat(70000) },
      'an attachment': { ...good, _attachments: { a: { content_type: 'text/plain', data: 'aGk=' } } },
      'a subscription in another state': { ...good, type: 'subscription', state: 'deleted' },
      'a device with another id': { type: 'device', state: 'revoke' },
    })) {
      assert.equal((await put(db, member, { _id: 'wrong-form', ...doc })).status, 403, what);
      assert.equal(await replicate(db, member, { _id: 'wrong-form', ...doc }), 'forbidden', `${what}, by replication`);
    }
    for (const [_id, doc] of [['d'.repeat(64), { type: 'device', state: 'active' }], ['doorbell', { type: 'doorbell', state: 'x' }], [id, { ...good, state: 'ready' }]])
      assert.equal((await put(db, member, { _id, ...doc })).status, 403, doc.type);
    assert.equal((await put(db, member, { _id: '_design/mine', views: {} })).status, 403);
  });

  test('an edit changes what is a person\'s and nothing of the daemon\'s; a replicated revision is put right later', async () => {
    const made = { _id: 'x'.repeat(20), type: 'channel', state: 'ready', name: 'Fun', database: 'd', syncpoint: 's' };
    const { body: { rev } } = await put(db, server, made);
    for (const change of [{ database: 'x' }, { syncpoint: 'x' }, { state: 'new' }, { owner: 'bob@example.com' }, { type: 'x' }])
      assert.equal((await put(db, member, { ...made, _rev: rev, ...change })).status, 403, JSON.stringify(change));
    assert.equal((await request(`${server.url}/${db}/${made._id}?rev=${rev}`, { method: 'DELETE', auth: member })).status, 403);
    assert.equal((await put(db, member, { ...made, _rev: rev, name: 'More fun', color: 'green' })).status, 201);
    assert.equal(await replicate(db, member, { ...made, syncpoint: 'x' }), 'taken');
  });

  test('the filters pass what they are asked for', async () => {
    await put(db, member, { _id: id, type: 'channel', state: 'new', name: 'Fun' });
    await put(db, member, { _id: `${id}-sub-u1`, type: 'subscription', state: 'active', channel: id });
    await put(db, member, { _id: 'settings', type: 'settings', state: 'any' });
    const ids = async (query) => {
      const { status, body } = await request(`${server.url}/${db}/_changes?${query}`, { auth: member });
      assert.equal(status, 200, JSON.stringify(body));
      return body.results.map((row) => row.id).sort();
    };
    assert.deepEqual(await ids(`filter=channels/by_channel&channel=${id}`), [id, `${id}-sub-u1`]);
    assert.deepEqual(await ids('filter=channels/by_type&type=settings,subscription'), [`${id}-sub-u1`, 'settings']);
    assert.deepEqual(await ids('filter=channels/by_channel'), []);
  });
});

describe('a channel database', () => {
  const db = `${TAG}-channel`;
  let owner;
  let writer;
  let reader;
  before(async () => {
    [owner, writer, reader] = [await makeUser('owner'), await makeUser('writer'), await makeUser('reader')];
    await makeDatabase(db, { validate_doc_update: read('channel', 'validate_doc_update.js') }, {
      members: { names: [], roles: ['user:owner', 'user:writer', 'user:reader'] },
      channels: { owners: ['user:owner'], readers: ['user:reader'] },
    });
  });

  test('writers write, readers only read', async () => {
    const note = await put(db, writer, { _id: 'note', any: 'thing' });
    assert.equal(note.status, 201);
    assert.equal((await request(`${server.url}/${db}/note`, { auth: reader })).status, 200);
    assert.equal((await put(db, reader, { _id: 'theirs' })).status, 403);
    assert.equal((await request(`${server.url}/${db}/note?rev=${note.body.rev}`, { method: 'DELETE', auth: reader })).status, 403);
    assert.equal(await replicate(db, reader, { _id: 'note', any: 'other thing' }), 'forbidden');
  });

  test('the description is the owners\', and stays', async () => {
    assert.equal((await put(db, writer, { _id: 'description', name: 'Mine' })).status, 403);
    assert.equal(await replicate(db, writer, { _id: 'description', name: 'Mine' }), 'forbidden');
    const made = await put(db, owner, { _id: 'description', name: 'Fun' });
    assert.equal(made.status, 201);
    assert.equal((await request(`${server.url}/${db}/description?rev=${made.body.rev}`, { method: 'DELETE', auth: owner })).status, 403);
  });
});

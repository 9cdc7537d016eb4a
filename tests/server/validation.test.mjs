// What validate_doc_update sees, and that no way of writing gets round it. The same assertions hold on a
// real CouchDB and on the embedded server.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startCouch } from '../lib/couch_server.mjs';
import { onceHeard, waitFor } from '../lib/net.mjs';

let couch;
const db = `server-test-validation-${process.pid}-${Date.now()}`;
const call = (method, rest, body, options = {}) => couch.request(`/${db}${rest}`, { method, body, ...options });

// Tells in its refusal what it was given; anything that isn't asked to be refused is let through.
const VALIDATE = `function (newDoc, oldDoc, userCtx, secObj) {
  if (newDoc.show) {
    throw({ forbidden: JSON.stringify({
      old: oldDoc && { n: oldDoc.n, _rev: oldDoc._rev },
      rev: newDoc._rev === undefined ? null : newDoc._rev,
      revisions: newDoc._revisions === undefined ? null : newDoc._revisions,
      user: userCtx, sec: secObj
    }) });
  }
  if (newDoc.login) { throw({ unauthorized: "log in first" }); }
  if (newDoc._attachments) { throw({ forbidden: "no attachments" }); }
}`;

before(async () => {
  couch = await startCouch();
  assert.equal((await couch.request(`/${db}`, { method: 'PUT' })).status, 201);
  assert.equal((await call('PUT', '/_security', { members: { roles: ['_admin', 'user:1'] }, channels: { owners: ['user:1'] } })).status, 200);
  assert.equal((await call('PUT', '/_design/rules', { validate_doc_update: VALIDATE })).status, 201);
});
after(async () => {
  await couch.request(`/${db}`, { method: 'DELETE' });
  await couch.close();
});

async function shown(doc, { newEdits = true } = {}) {
  const { body } = await call('POST', '/_bulk_docs', { docs: [{ ...doc, show: true }], new_edits: newEdits });
  assert.equal(body[0]?.error, 'forbidden', JSON.stringify(body));
  return JSON.parse(body[0].reason);
}

test('a new document shows neither _rev nor _revisions and no old document', async () => {
  const seen = await shown({ _id: 'new' });
  assert.deepEqual([seen.old, seen.rev, seen.revisions], [null, null, null]);
});

test("an ordinary edit shows its parent's _rev and _revisions, and the document that it replaces", async () => {
  const { body } = await call('PUT', '/edit', { n: 5 });
  const seen = await shown({ _id: 'edit', _rev: body.rev });
  assert.deepEqual(seen.old, { n: 5, _rev: body.rev });
  assert.equal(seen.rev, body.rev);
  assert.deepEqual(seen.revisions, { start: 1, ids: [body.rev.slice(2)] });
});

test('a replicated revision shows its own history, and the nearest stored ancestor as the old document', async () => {
  const { body } = await call('PUT', '/copied', { n: 6 });
  const ids = ['b'.repeat(32), 'a'.repeat(32), body.rev.slice(2)];
  const seen = await shown({ _id: 'copied', _revisions: { start: 3, ids } }, { newEdits: false });
  assert.deepEqual(seen.old, { n: 6, _rev: body.rev });
  assert.equal(seen.rev, `3-${ids[0]}`);
  assert.deepEqual(seen.revisions, { start: 3, ids });
});

test('a branch without common history shows no old document', async () => {
  await call('PUT', '/branched', { n: 7 });
  const seen = await shown({ _id: 'branched', _rev: `1-${'f'.repeat(32)}` }, { newEdits: false });
  assert.equal(seen.old, null);
});

test('a document made again after its deletion shows no old document', async () => {
  const { body } = await call('PUT', '/again', { n: 8 });
  await call('DELETE', `/again?rev=${body.rev}`);
  const seen = await shown({ _id: 'again' });
  assert.deepEqual([seen.old, seen.revisions], [null, null]);
});

test('a compacted old revision is not shown', async () => {
  const first = await call('PUT', '/compacted', { n: 1 });
  await call('PUT', '/compacted', { n: 2, _rev: first.body.rev });
  assert.equal((await call('POST', '/_compact', {})).status, 202);
  await waitFor(async () => (await call('GET', `/compacted?rev=${first.body.rev}`)).status === 404, { what: 'the end of the compaction' });
  const ids = ['c'.repeat(32), first.body.rev.slice(2)];
  const seen = await shown({ _id: 'compacted', _revisions: { start: 2, ids } }, { newEdits: false });
  assert.equal(seen.old, null);
});

test('the user and the whole security object are shown', async () => {
  const seen = await shown({ _id: 'ctx' });
  assert.equal(seen.user.name, couch.user);
  assert.ok(seen.user.roles.includes('_admin'));
  assert.equal(seen.user.db.endsWith(db), true);
  assert.deepEqual(seen.sec.channels, { owners: ['user:1'] });
});

test('PUT, POST, _bulk_docs with and without new_edits, and attachments are all validated; _local is not', async () => {
  assert.equal((await call('PUT', '/p', { login: true })).status, 401);
  assert.equal((await call('POST', '', { show: true })).status, 403);
  const bulk = await call('POST', '/_bulk_docs', { docs: [{ _id: 'b1', show: true }, { _id: 'b2' }] });
  assert.deepEqual(bulk.body.map((row) => row.error ?? 'ok'), ['forbidden', 'ok']);
  const copied = await call('POST', '/_bulk_docs', { docs: [{ _id: 'b3', _rev: `1-${'a'.repeat(32)}`, show: true }], new_edits: false });
  assert.equal(copied.body[0].error, 'forbidden');
  const attached = await call('PUT', '/att/file.txt', 'hello', { headers: { 'content-type': 'text/plain' } });
  assert.equal(attached.status, 403);
  assert.equal((await call('PUT', '/_local/free', { show: true })).status, 201);
  assert.equal((await call('GET', '/p')).status, 404);
});

test('a changed validation function counts for the writes that follow', async () => {
  const { body } = await call('GET', '/_design/rules');
  assert.equal((await call('PUT', '/_design/rules', { ...body, validate_doc_update: 'function () { throw({ forbidden: "closed" }); }' })).status, 201);
  const { body: refused } = await onceHeard(403, () => call('POST', '', {}));
  assert.equal(refused.reason, 'closed');
});

// Documents, bulk writes, revisions, attachments, purging: what the project relies on. The same assertions
// hold on a real CouchDB and on the embedded server.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startCouch } from '../lib/couch_server.mjs';

let couch;
const name = `server-test-documents-${process.pid}-${Date.now()}`;
const path = (rest = '') => `/${name}${rest}`;
const call = (method, rest, body, options = {}) => couch.request(path(rest), { method, body, ...options });

before(async () => {
  couch = await startCouch();
  assert.equal((await call('PUT', '')).status, 201);
});
after(async () => {
  await call('DELETE', '');
  await couch.close();
});

test('a document is created, conflicts without its rev, and is updated with it', async () => {
  const made = await call('PUT', '/edit', { n: 1 });
  assert.equal(made.status, 201);
  assert.match(made.body.rev, /^1-[0-9a-f]{32}$/);
  const lost = await call('PUT', '/edit', { n: 2 });
  assert.equal(lost.status, 409);
  assert.equal(lost.body.error, 'conflict');
  const saved = await call('PUT', '/edit', { n: 2, _rev: made.body.rev });
  assert.equal(saved.status, 201);
  assert.match(saved.body.rev, /^2-/);
  const stale = await call('PUT', '/edit', { n: 3, _rev: made.body.rev });
  assert.equal(stale.status, 409);
  assert.equal((await call('GET', '/edit')).body.n, 2);
});

test('a PUT without a Content-Type stores the document that was sent', async () => {
  const response = await fetch(couch.url + path('/typeless'), {
    method: 'PUT', body: Buffer.from('{"kept":true}'),
    headers: { authorization: `Basic ${Buffer.from(`${couch.user}:${couch.password}`).toString('base64')}` },
  });
  assert.equal(response.status, 201);
  assert.equal((await call('GET', '/typeless')).body.kept, true);
});

test('a POST that is not said to be JSON is refused with 415', async () => {
  const refused = await call('POST', '/_bulk_docs', '{"docs":[]}', { headers: { 'content-type': 'text/plain' } });
  assert.equal(refused.status, 415);
  assert.equal(refused.body.error, 'bad_content_type');
});

test('of 20 edits of one revision at once exactly one is taken', async () => {
  const { body } = await call('PUT', '/race', { n: 0 });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => call('PUT', '/race', { n, _rev: body.rev })));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  assert.equal(answers.filter((answer) => answer.status === 409).length, 19);
});

test('a deleted document is gone with its reason, and can be made again after its deleted revision', async () => {
  const { body } = await call('PUT', '/mortal', { n: 1 });
  assert.equal((await call('DELETE', `/mortal?rev=${body.rev}`)).status, 200);
  const gone = await call('GET', '/mortal');
  assert.equal(gone.status, 404);
  assert.equal(gone.body.reason, 'deleted');
  assert.equal((await call('GET', '/never')).body.reason, 'missing');
  assert.match((await call('PUT', '/mortal', { n: 2 })).body.rev, /^3-/);
});

test('_bulk_docs answers for each document on its own and takes _local documents too', async () => {
  await call('PUT', '/taken', { n: 1 });
  const { status, body } = await call('POST', '/_bulk_docs', {
    docs: [{ _id: 'bulk-1', n: 1 }, { _id: 'taken', n: 2 }, { _id: '_local/bulk', n: 3 }, { n: 4 }],
  });
  assert.equal(status, 201);
  assert.equal(body[0].ok, true);
  assert.deepEqual([body[1].id, body[1].error], ['taken', 'conflict']);
  assert.equal(body[2].ok, true);
  assert.equal(body[3].ok, true);
  assert.match(body[3].id, /^[0-9a-f]{32}$/);
  assert.equal((await call('GET', '/_local/bulk')).body.n, 3);
});

test('_local documents are not in the feed', async () => {
  await call('PUT', '/_local/quiet', { n: 1 });
  const { body } = await call('GET', '/_changes');
  assert.ok(body.results.length > 0);
  assert.ok(body.results.every((row) => !row.id.startsWith('_local/')));
});

test('replicated revisions make branches, the winner is the longest living one, and all leaves can be read', async () => {
  const revisions = [
    { _id: 'branch', _revisions: { start: 2, ids: ['b'.repeat(32), 'a'.repeat(32)] }, from: 'b' },
    { _id: 'branch', _revisions: { start: 2, ids: ['c'.repeat(32), 'a'.repeat(32)] }, from: 'c' },
    { _id: 'branch', _rev: `9-${'d'.repeat(32)}`, _deleted: true },
  ];
  const written = await call('POST', '/_bulk_docs', { docs: revisions, new_edits: false });
  assert.equal(written.status, 201);
  assert.deepEqual(written.body, []);
  const { body } = await call('GET', '/branch?conflicts=true&revs=true');
  assert.equal(body.from, 'c');
  assert.deepEqual(body._conflicts, [`2-${'b'.repeat(32)}`]);
  assert.deepEqual(body._revisions.ids, ['c'.repeat(32), 'a'.repeat(32)]);
  const leaves = await call('GET', '/branch?open_revs=all', undefined, { headers: { accept: 'application/json' } });
  assert.deepEqual(leaves.body.map((leaf) => leaf.ok._rev).sort(), [`2-${'b'.repeat(32)}`, `2-${'c'.repeat(32)}`, `9-${'d'.repeat(32)}`]);
  const diff = await call('POST', '/_revs_diff', { branch: [`2-${'b'.repeat(32)}`, `3-${'e'.repeat(32)}`] });
  assert.deepEqual(diff.body.branch.missing, [`3-${'e'.repeat(32)}`]);
});

test('_bulk_get answers for known and unknown revisions, with latest too', async () => {
  const { body } = await call('PUT', '/got', { n: 1 });
  const answer = await call('POST', '/_bulk_get?latest=true&revs=true', {
    docs: [{ id: 'got', rev: body.rev }, { id: 'got', rev: `7-${'f'.repeat(32)}` }, { id: 'unknown' }],
  });
  assert.equal(answer.status, 200);
  const [known, foreign, unknown] = answer.body.results;
  assert.equal(known.docs[0].ok.n, 1);
  assert.equal(foreign.docs[0].error.error, 'not_found');
  assert.equal(unknown.docs[0].error.error, 'not_found');
  assert.equal((await call('GET', '')).status, 200);
});

test('attachments are stored, read back, kept by a stub, and an unknown stub is refused', async () => {
  const data = Buffer.from('hello').toString('base64');
  const made = await call('PUT', '/file', { _attachments: { 'a.txt': { content_type: 'text/plain', data } } });
  assert.equal(made.status, 201);
  const read = await call('GET', '/file/a.txt');
  assert.equal(read.text, 'hello');
  assert.equal(read.headers.get('content-security-policy'), 'sandbox');
  const { body } = await call('GET', '/file');
  assert.equal(body._attachments['a.txt'].stub, true);
  assert.equal((await call('PUT', '/file', { ...body, more: 1 })).status, 201);
  assert.equal((await call('GET', '/file/a.txt')).text, 'hello');
  const bad = await call('PUT', '/other', { _attachments: { 'b.txt': { stub: true, content_type: 'text/plain', digest: 'md5-AAAAAAAAAAAAAAAAAAAAAA==', length: 1, revpos: 1 } } });
  assert.equal(bad.status, 412);
});

test('names that CouchDB refuses are refused', async () => {
  assert.equal((await call('PUT', '/_hidden', {})).status, 400);
  assert.equal((await call('PUT', '/odd', { _private: 1 })).body.error, 'doc_validation');
  assert.equal((await call('POST', '', { _id: 17 })).status, 400);
});

test('a document beyond max_document_size is refused with 413', async () => {
  const refused = await call('PUT', '/huge', { text: 'x'.repeat(8100000) });
  assert.equal(refused.status, 413);
  assert.equal(refused.body.error, 'document_too_large');
});

test('purging all leaves forgets a document, purging one leaves the other as the winner', async () => {
  const b = `2-${'b'.repeat(32)}`;
  const c = `2-${'c'.repeat(32)}`;
  const docs = [b, c].map((rev) => ({ _id: 'purged', _revisions: { start: 2, ids: [rev.slice(2), 'a'.repeat(32)] }, rev }));
  await call('POST', '/_bulk_docs', { docs, new_edits: false });
  const { body: before } = await call('GET', '');
  const one = await call('POST', '/_purge', { purged: [c] });
  assert.equal(one.status, 201);
  assert.deepEqual(one.body.purged, { purged: [c] });
  assert.equal((await call('GET', '/purged')).body._rev, b);
  assert.deepEqual((await call('POST', '/_purge', { purged: [b] })).body.purged, { purged: [b] });
  assert.equal((await call('GET', '/purged')).body.reason, 'missing');
  const { body } = await call('GET', '');
  assert.equal(body.doc_count, before.doc_count - 1);
  assert.match((await call('PUT', '/purged', {})).body.rev, /^1-/);
});

test('views follow writes, deletions and purges, and answer by key', async () => {
  const map = 'function (doc) { if (doc.kind) { emit(doc.kind, doc.n); } }';
  assert.equal((await call('PUT', '/_design/kinds', { views: { by_kind: { map, reduce: '_sum' } } })).status, 201);
  await call('POST', '/_bulk_docs', { docs: [{ _id: 'k1', kind: 'a', n: 1 }, { _id: 'k2', kind: 'a', n: 2 }, { _id: 'k3', kind: 'b', n: 4 }] });
  const rows = async (query) => (await call('GET', `/_design/kinds/_view/by_kind?${query}`)).body.rows;
  assert.deepEqual((await rows('reduce=false&key="a"')).map((row) => row.id), ['k1', 'k2']);
  assert.deepEqual(await rows('group=true'), [{ key: 'a', value: 3 }, { key: 'b', value: 4 }]);
  const { body } = await call('GET', '/k1');
  await call('POST', '/_purge', { k1: [body._rev] });
  assert.deepEqual((await rows('reduce=false&key="a"')).map((row) => row.id), ['k2']);
});

test('_all_docs gives documents by keys and by range', async () => {
  await call('POST', '/_bulk_docs', { docs: [{ _id: 'r1' }, { _id: 'r2' }] });
  const byKeys = await call('POST', '/_all_docs', { keys: ['r2', 'nobody'] });
  assert.deepEqual(byKeys.body.rows.map((row) => row.id ?? row.error), ['r2', 'not_found']);
  const range = await call('GET', '/_all_docs?startkey="r1"&endkey="r2"&include_docs=true');
  assert.deepEqual(range.body.rows.map((row) => row.doc._id).filter((id) => /^r\d$/.test(id)), ['r1', 'r2']);
});

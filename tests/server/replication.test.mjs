// A device's PouchDB against the server: both ways, with deletions, conflicts and attachments, live, and
// refused documents. The same assertions hold on a real CouchDB and on the embedded server.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import PouchDB from 'pouchdb';
import memoryAdapter from 'pouchdb-adapter-memory';
import { startCouch, waitFor } from '../lib/couch_server.mjs';
import { onceHeard } from '../lib/net.mjs';

PouchDB.plugin(memoryAdapter);

let couch;
let locals = 0;
const db = `server-test-replication-${process.pid}-${Date.now()}`;
const call = (method, rest, body) => couch.request(`/${db}${rest}`, { method, body });
const local = () => new PouchDB(`${db}-local-${++locals}`, { adapter: 'memory' });
const remote = () => new PouchDB(`${couch.url}/${db}`, { skip_setup: true, auth: { username: couch.user, password: couch.password } });

before(async () => {
  couch = await startCouch();
  assert.equal((await couch.request(`/${db}`, { method: 'PUT' })).status, 201);
});
after(async () => {
  await couch.request(`/${db}`, { method: 'DELETE' });
  await couch.close();
});

test('documents, deletions, branches and attachments reach the server and a second device', async () => {
  const first = local();
  await first.bulkDocs(Array.from({ length: 150 }, (_, n) => ({ _id: `doc-${n}`, n })));
  const { rev } = await first.put({ _id: 'dead' });
  await first.remove('dead', rev);
  await first.bulkDocs(['1', '2'].map((digit) => ({ _id: 'torn', _rev: `1-${digit.repeat(32)}` })), { new_edits: false });
  await first.put({ _id: 'file', _attachments: { 'a.txt': { content_type: 'text/plain', data: Buffer.from('hello') } } });
  const pushed = await first.replicate.to(remote());
  assert.equal(pushed.doc_write_failures, 0);
  assert.equal((await call('GET', '/file/a.txt')).text, 'hello');
  assert.deepEqual((await call('GET', '/torn?conflicts=true')).body._conflicts, [`1-${'1'.repeat(32)}`]);
  assert.equal((await call('GET', '/dead')).body.reason, 'deleted');

  const second = local();
  await second.replicate.from(remote());
  assert.equal((await second.info()).doc_count, 152);
  assert.equal((await second.getAttachment('file', 'a.txt')).toString(), 'hello');
  assert.deepEqual((await second.get('torn', { conflicts: true }))._conflicts, [`1-${'1'.repeat(32)}`]);
  const again = await second.replicate.from(remote());
  assert.equal(again.docs_read, 0);
});

test('a live sync carries a change of either side to the other within seconds', async () => {
  const device = local();
  const sync = device.sync(remote(), { live: true, retry: true });
  try {
    await call('PUT', '/from-cloud', { n: 1 });
    await waitFor(() => device.get('from-cloud'), { what: 'the change from the server' });
    await device.put({ _id: 'from-device', n: 2 });
    await waitFor(async () => (await call('GET', '/from-device')).body.n === 2, { what: 'the change from the device' });
  } finally {
    sync.cancel();
  }
});

test('a document that validation refuses is counted as a failure, and the others arrive', async () => {
  const validate = 'function (newDoc) { if (newDoc.bad) { throw({ forbidden: "bad" }); } }';
  await call('PUT', '/_design/strict', { validate_doc_update: validate });
  await onceHeard(403, () => call('POST', '', { bad: true }));
  const device = local();
  await device.bulkDocs([{ _id: 'good-one' }, { _id: 'bad-one', bad: true }]);
  const denied = [];
  const result = await device.replicate.to(remote()).on('denied', (event) => denied.push(event.id));
  assert.equal(result.doc_write_failures, 1);
  assert.deepEqual(denied, ['bad-one']);
  assert.equal((await call('GET', '/good-one')).status, 200);
  assert.equal((await call('GET', '/bad-one')).status, 404);
});

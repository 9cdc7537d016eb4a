// _changes and _db_updates in their three forms, and _dbs_info. The same assertions hold on a real CouchDB
// and on the embedded server.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { basicAuth, startCouch, waitFor } from '../lib/couch_server.mjs';

let couch;
const db = `server-test-feeds-${process.pid}-${Date.now()}`;
const call = (method, rest, body, options = {}) => couch.request(`/${db}${rest}`, { method, body, ...options });
const ids = (answer) => answer.body.results.map((row) => row.id);

before(async () => {
  couch = await startCouch();
  assert.equal((await couch.request(`/${db}`, { method: 'PUT' })).status, 201);
  const docs = ['a', 'b', 'c', 'd'].map((id, n) => ({ _id: id, type: n % 2 ? 'odd' : 'even', n }));
  await call('POST', '/_bulk_docs', { docs });
});
after(async () => {
  await couch.request(`/${db}`, { method: 'DELETE' });
  await couch.close();
});

/** Opens a feed and collects its lines; `beats` counts the empty ones. */
async function openFeed(path) {
  const stop = new AbortController();
  const response = await fetch(couch.url + path, { headers: basicAuth(couch), signal: stop.signal });
  const feed = { status: response.status, rows: [], beats: 0, ended: false, stop: () => stop.abort() };
  (async () => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line.trim() === '') feed.beats += 1;
        else feed.rows.push(JSON.parse(line));
      }
    }
    feed.ended = true;
  })().catch(() => { feed.ended = true; });
  return feed;
}

test('seqs are opaque strings, and since continues after one', async () => {
  const first = await call('GET', '/_changes?limit=2');
  assert.equal(first.body.results.length, 2);
  assert.match(first.body.last_seq, /^\d+-./);
  assert.equal(first.body.pending, 2);
  const rest = await call('GET', `/_changes?since=${encodeURIComponent(first.body.last_seq)}`);
  assert.deepEqual([...ids(first), ...ids(rest)].sort(), ['a', 'b', 'c', 'd']);
  assert.equal(rest.body.pending, 0);
});

test('a since that is no seq is refused', async () => {
  assert.equal((await call('GET', '/_changes?since=nonsense')).status, 400);
});

test('since=now gives nothing, and include_docs gives the documents', async () => {
  assert.deepEqual(ids(await call('GET', '/_changes?since=now')), []);
  const { body } = await call('GET', '/_changes?include_docs=true');
  assert.ok(body.results.every((row) => row.doc._id === row.id && row.doc._rev === row.changes[0].rev));
});

test('_doc_ids and _selector filters work by POST', async () => {
  const byIds = await call('POST', '/_changes?filter=_doc_ids', { doc_ids: ['b', 'nobody'] });
  assert.deepEqual(ids(byIds), ['b']);
  const bySelector = await call('POST', '/_changes?filter=_selector', { selector: { type: 'even', n: { $gt: 0 } } });
  assert.deepEqual(ids(bySelector), ['c']);
});

test("a design document's filter gets the query and the user", async () => {
  const filter = 'function (doc, req) { return doc.type === req.query.type && req.userCtx.roles.indexOf("_admin") >= 0; }';
  await call('PUT', '/_design/app', { filters: { by_type: filter } });
  const answer = await call('GET', '/_changes?filter=app/by_type&type=odd');
  assert.deepEqual(ids(answer).sort(), ['b', 'd']);
});

test('a filter that throws, is missing, or does not compile ends the request and not the server', async () => {
  await call('PUT', '/_design/broken', { filters: { throws: 'function () { throw new Error("no"); }' } });
  for (const filter of ['broken/throws', 'broken/absent', 'absent/x']) {
    await call('GET', `/_changes?filter=${filter}`, undefined, { timeout: 10000 }).catch(() => null);
  }
  assert.equal((await couch.request('/_up')).status, 200);
});

test('conflicts shows the losing leaves and style=all_docs lists them', async () => {
  const docs = ['1', '2'].map((digit) => ({ _id: 'torn', _rev: `1-${digit.repeat(32)}` }));
  await call('POST', '/_bulk_docs', { docs, new_edits: false });
  const { body } = await call('POST', '/_changes?filter=_doc_ids&include_docs=true&conflicts=true&style=all_docs', { doc_ids: ['torn'] });
  assert.deepEqual(body.results[0].doc._conflicts, [`1-${'1'.repeat(32)}`]);
  assert.equal(body.results[0].changes.length, 2);
});

test('longpoll waits for a change, and gives up at its timeout', async () => {
  const started = Date.now();
  const none = await call('GET', '/_changes?feed=longpoll&since=now&timeout=300');
  assert.deepEqual(none.body.results, []);
  assert.ok(Date.now() - started >= 250);
  const waiting = call('GET', '/_changes?feed=longpoll&since=now&timeout=20000');
  await new Promise((resolve) => { setTimeout(resolve, 300); });
  await call('PUT', '/woken', {});
  assert.deepEqual(ids(await waiting), ['woken']);
});

test('continuous sends headers at once, beats, delivers each change, and ends at its timeout', async () => {
  const feed = await openFeed(`/${db}/_changes?feed=continuous&since=now&heartbeat=100`);
  assert.equal(feed.status, 200);
  await waitFor(() => feed.beats >= 2, { what: 'two heartbeats' });
  await call('PUT', '/live-1', {});
  await call('PUT', '/live-2', {});
  await waitFor(() => feed.rows.length >= 2, { what: 'two rows' });
  assert.deepEqual(feed.rows.map((row) => row.id), ['live-1', 'live-2']);
  feed.stop();
  const short = await openFeed(`/${db}/_changes?feed=continuous&since=now&timeout=300`);
  await waitFor(() => short.ended, { what: 'the end of the feed' });
  assert.ok(short.rows.at(-1).last_seq);
});

test('continuous ends after limit rows', async () => {
  const feed = await openFeed(`/${db}/_changes?feed=continuous&limit=2&timeout=20000`);
  await waitFor(() => feed.ended, { what: 'the end of the feed' });
  assert.equal(feed.rows.filter((row) => row.id).length, 2);
});

test('100 feeds that were left cost later writes nothing', async () => {
  const timed = async (id) => {
    const started = Date.now();
    for (let n = 0; n < 20; n += 1) await call('PUT', `/${id}-${n}`, {});
    return Date.now() - started;
  };
  const alone = await timed('alone');
  const feeds = await Promise.all(Array.from({ length: 100 }, () => openFeed(`/${db}/_changes?feed=continuous&since=now&heartbeat=1000`)));
  for (const feed of feeds) feed.stop();
  await waitFor(() => feeds.every((feed) => feed.ended), { what: 'the end of the feeds' });
  const afterwards = await timed('afterwards');
  assert.ok(afterwards < alone * 5 + 200, `${alone} ms before, ${afterwards} ms after`);
});

test('_db_updates tells of made, changed and deleted databases', async () => {
  const name = `${db}-updates`;
  const feed = await openFeed('/_db_updates?feed=continuous&since=now&heartbeat=1000');
  const seen = (type) => feed.rows.some((row) => row.db_name === name && row.type === type);
  await couch.request(`/${name}`, { method: 'PUT' });
  await waitFor(() => seen('created'), { what: 'created' });
  await couch.request(`/${name}/x`, { method: 'PUT', body: {} });
  await waitFor(() => seen('updated'), { what: 'updated' });
  await couch.request(`/${name}`, { method: 'DELETE' });
  await waitFor(() => seen('deleted'), { what: 'deleted' });
  feed.stop();
  const { body } = await couch.request('/_db_updates?limit=1');
  assert.equal(body.results.length, 1);
  assert.match(body.last_seq, /^\d+-./);
  const rest = await couch.request(`/_db_updates?since=${encodeURIComponent(body.last_seq)}&feed=longpoll&timeout=5000`);
  assert.ok(rest.body.results.every((row) => row.seq !== body.results[0].seq));
});

test('_dbs_info answers for known and unknown names, at most 100', async () => {
  const { body } = await couch.request('/_dbs_info', { method: 'POST', body: { keys: [db, `${db}-nowhere`] } });
  assert.equal(body[0].info.db_name, db);
  assert.match(body[0].info.update_seq, /^\d+-./);
  assert.equal(body[1].error, 'not_found');
  const many = await couch.request('/_dbs_info', { method: 'POST', body: { keys: Array(101).fill(db) } });
  assert.equal(many.status, 400);
});

test('update_seq moves with a write and stays without one', async () => {
  const seq = async () => (await call('GET', '')).body.update_seq;
  const number = (text) => Number.parseInt(text, 10);
  const before = await seq();
  assert.equal(number(await seq()), number(before));
  await call('PUT', '/moved', {});
  assert.ok(number(await seq()) > number(before));
});

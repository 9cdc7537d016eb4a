// The handshake's validation: each rule once under Node, and each way of writing through the server.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { startCouch } from '../lib/couch_server.mjs';
import { ADMIN, NOBODY, load, read } from '../lib/design_docs.mjs';
import { Device, confirmDocument, sha256, withConfirmId } from '../lib/device.mjs';
import { request } from '../lib/net.mjs';

const device = new Device({ handshake: '', owner: 'alice@example.com', name: 'phone', locale: 'en' });
const good = device.document();
const code = 'a'.repeat(64);
const confirm = confirmDocument({ subject: device.id, code, deviceCode: 'BCDF-GHJK' });
const rotate = { _id: `rotate-${device.id}-1`, type: 'rotate', state: 'new', credential: good.credential };
const itself = { name: device.username, roles: ['user:1'] };

/** Another device document, with the id that proves it. */
function proven(change) {
  const doc = { ...good, ...change };
  return { ...doc, _id: sha256(`${doc.owner}\n${doc.credential.salt}\n${doc.credential.derived_key}`) };
}
const withCredential = (change) => proven({ credential: { ...good.credential, ...change } });

const REFUSED = {
  'another state': { ...good, state: 'active' },
  'no state': { ...good, state: undefined },
  'another type': { ...good, type: 'channel' },
  'no type': { ...good, type: undefined },
  'an unknown field': { ...good, user: 'me' },
  'a field of a later state': { ...good, device_code: 'BCDF-GHJK' },
  'an attachment': { ...good, _attachments: { a: { data: 'aGk=' } } },
  'a deletion': { ...good, _deleted: true },
  'another id': { ...good, _id: '0'.repeat(64) },
  'an id in upper case': { ...good, _id: good._id.toUpperCase() },
  'an owner that the id does not prove': { ...good, owner: 'eve@example.com' },
  'an owner that is no string': { ...good, owner: { toString: 'alice@example.com' } },
  'an owner of 255 characters': proven({ owner: `${'a'.repeat(243)}@example.com` }),
  'a name of 201 characters': { ...good, name: 'n'.repeat(201) },
  'a name that is no string': { ...good, name: ['n'] },
  'a locale of 36 characters': { ...good, locale: 'l'.repeat(36) },
  'no credential': { ...good, credential: undefined },
  'a credential with more': { ...good, credential: { ...good.credential, pbkdf2_prf: 'sha256' } },
  'another scheme': { ...good, credential: { ...good.credential, password_scheme: 'simple' } },
  'two iterations': { ...good, credential: { ...good.credential, iterations: 2 } },
  'iterations in a string': { ...good, credential: { ...good.credential, iterations: '1' } },
  'a short salt': withCredential({ salt: 'ab' }),
  'a salt with a line break': withCredential({ salt: `${'a'.repeat(31)}\n` }),
  'a salt in brackets': withCredential({ salt: [['a'.repeat(32)]] }),
  'a derived_key in brackets': withCredential({ derived_key: ['a'.repeat(40)] }),
  'a confirm with a proof in brackets': withConfirmId({ ...confirm, _id: undefined, proof: [confirm.proof] }),
  'a confirm with a device in brackets': withConfirmId({ ...confirm, _id: undefined, device: [confirm.device] }),
  'a confirm with an answer in brackets': withConfirmId({ ...confirm, _id: undefined, answer: ['yes'] }),
  'a state in brackets': { ...good, state: ['new'] },
  'a salt in upper case': withCredential({ salt: 'A'.repeat(32) }),
  'a long derived_key': withCredential({ derived_key: 'a'.repeat(41) }),
  'a confirm with another id': { ...confirm, _id: '0'.repeat(64) },
  'a confirm with more fields': { ...confirm, device_code: 'BCDF-GHJK' },
  'a confirm in another state': { ...confirm, state: 'used' },
  'a confirm with another answer': withConfirmId({ ...confirm, _id: undefined, answer: 'maybe' }),
  'a confirm with a short proof': withConfirmId({ ...confirm, _id: undefined, proof: 'ab' }),
  'a confirm for a name': withConfirmId({ ...confirm, _id: undefined, device: 'alice' }),
  'a rotate by nobody': rotate,
  'a document of an app': { _id: 'note', type: 'note', state: 'new' },
  'a huge document': { ...good, padding: 'x'.repeat(1000000) },
};

const ACCEPTED = {
  'a device': good,
  'a device without name and locale': proven({ name: undefined, locale: undefined }),
  'an owner of 254 characters': proven({ owner: `${'a'.repeat(242)}@example.com` }),
  'an owner beyond ASCII': proven({ owner: '\u212aäte\u{1f600}@example.com' }),
  'an owner that is no address': proven({ owner: 'x' }),
  'a name of 200 characters': { ...good, name: 'n'.repeat(200) },
  'a confirm': confirm,
  'a confirm for an address key': confirmDocument({ subject: 'b'.repeat(32), code, deviceCode: 'BCDF-GHJK' }),
  'a not me': confirmDocument({ subject: device.id, code, answer: 'not me' }),
};

const ACCEPT = { value: undefined };
const { call: validate } = load('handshake', 'validate_doc_update.js');
const cleaned = (doc) => JSON.parse(JSON.stringify(doc));

describe('under Node', () => {
  for (const [what, doc] of Object.entries(REFUSED)) {
    test(`refuses ${what}`, () => {
      const { refused } = validate(cleaned(doc), null, NOBODY, {});
      assert.match(refused ?? 'accepted', /^[_.a-z]+ .*[\w")]$/);
      assert.deepEqual(validate(cleaned(doc), null, ADMIN, {}), ACCEPT, 'the daemon may');
    });
  }
  for (const [what, doc] of Object.entries(ACCEPTED)) {
    test(`accepts ${what}`, () => assert.deepEqual(validate(cleaned(doc), null, NOBODY, {}), ACCEPT));
  }

  test('only a first revision is taken, of a plain hash', () => {
    const revisions = (start, ...ids) => validate({ ...good, _revisions: { start, ids } }, null, NOBODY, {});
    assert.deepEqual(revisions(1, 'f'.repeat(32)), ACCEPT);
    for (const [start, ...ids] of [[2, 'f'.repeat(32)], [99, 'f'.repeat(32)], [-2, 'f'.repeat(32)], [0, 'f'.repeat(32)], [1, 'x\u0001'],
      [1, 'f'.repeat(32), 'e'.repeat(32)], [2, 'f'.repeat(32), 'e'.repeat(32)]]) {
      assert.ok(revisions(start, ...ids).refused, `${start} ${ids}`);
    }
  });

  test('what is there is the daemon\'s', () => {
    assert.ok(validate(good, { ...good, state: 'confirming' }, NOBODY, {}).refused);
    assert.ok(validate(good, good, NOBODY, {}).refused);
  });

  test('a rotate is the device\'s own', () => {
    assert.deepEqual(validate(rotate, null, itself, {}), ACCEPT);
    assert.ok(validate(rotate, null, { name: `device-${'0'.repeat(64)}`, roles: [] }, {}).refused);
    for (const _id of [`rotate-${device.id}`, `rotate-${device.id}-0`, `rotate-${device.id}-01`, `rotate-${device.id}-x`, 'rotate-1'])
      assert.ok(validate({ ...rotate, _id }, null, itself, {}).refused, _id);
  });

  test('the filter passes a device\'s own documents', () => {
    const { call } = load('handshake', 'filters/device.js');
    const passes = (doc, id = device.id) => call(doc, { query: { device: id } }).value;
    assert.equal(passes(good), true);
    assert.equal(passes(rotate), true);
    assert.equal(passes({ ...good, _id: '0'.repeat(64) }), false);
    assert.equal(passes(confirm), false);
    assert.equal(passes(good, null), false);
    assert.equal(passes({ _id: 'rotate--1' }, ''), false);
  });

  test('the views', () => {
    const rows = (view, doc) => {
      const { emitted, fn } = load('handshake', `views/${view}/map.js`);
      fn(doc);
      return cleaned(emitted);
    };
    assert.deepEqual(rows('by_type_and_state', good), [{ key: ['device', 'new'], value: null }]);
    assert.deepEqual(rows('finished', { ...confirm, finished: 'T' }), [{ key: 'T', value: 'confirm' }]);
    assert.deepEqual(rows('finished', confirm), []);
    assert.deepEqual(rows('finished', { ...good, finished: ['T'] }), []);
  });

  test('sha256 is SHA-256', () => {
    const { hexOf } = (() => {
      const exports = {};
      new Function('exports', read('handshake', 'lib/sha256.js'))(exports); // eslint-disable-line no-new-func
      return exports;
    })();
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const text = randomBytes(length).toString('latin1');
      assert.equal(hexOf(text), sha256(text));
    }
  });
});

describe('through the server', () => {
  let server;
  const db = `dd-handshake-${process.pid}-${Date.now()}`;
  const stranger = (method, path, body) => request(`${server.url}/${db}${path}`, { method, body });

  before(async () => {
    server = await startCouch();
    await server.request(`/${db}`, { method: 'PUT' });
    const doc = { _id: '_design/channels', language: 'javascript', validate_doc_update: read('handshake', 'validate_doc_update.js'),
      lib: { sha256: read('handshake', 'lib/sha256.js') }, filters: { device: read('handshake', 'filters/device.js') } };
    assert.equal((await server.request(`/${db}/_design/channels`, { method: 'PUT', body: doc })).status, 201);
    await server.request(`/${db}/_security`, { method: 'PUT', body: { admins: { names: [], roles: ['_admin'] }, members: { names: [], roles: [] } } });
  });
  after(async () => {
    await server.request(`/${db}`, { method: 'DELETE' });
    await server.close();
  });

  const put = (doc) => stranger('PUT', `/${encodeURIComponent(doc._id ?? 'x')}`, doc);
  const replicate = (doc, rev) => stranger('POST', '/_bulk_docs', { new_edits: false, docs: [{ ...cleaned(doc), _rev: rev }] });

  test('refuses what is refused, by PUT and by replication', async () => {
    for (const [what, doc] of Object.entries(REFUSED)) {
      const written = await put(cleaned(doc));
      // An attachment stub or a deletion may fail before validation does; nothing of it may be stored.
      assert.ok(written.status >= 400, `${what}: ${written.status}`);
      const { status, body } = await replicate(doc, `1-${'a'.repeat(32)}`);
      assert.ok(status >= 400 || body[0]?.error, `${what} by replication: ${JSON.stringify(body)}`);
    }
    const { body } = await server.request(`/${db}`);
    assert.equal(body.doc_count, 1, 'nothing but the design document');
    assert.equal(body.doc_del_count, 0);
  });

  test('accepts what is accepted, once', async () => {
    for (const [what, doc] of Object.entries(ACCEPTED)) {
      assert.ok([201, 409, 403].includes((await put(cleaned(doc))).status), what);
      assert.equal((await stranger('GET', `/${doc._id}`)).status, 200, what);
    }
    const { body } = await stranger('GET', `/${good._id}`);
    assert.equal((await put({ ...good, _rev: body._rev })).status, 403, 'an edit');
    assert.equal((await stranger('DELETE', `/${good._id}?rev=${body._rev}`)).status, 403, 'a deletion');
    assert.equal((await stranger('PUT', `/${good._id}/photo?rev=${body._rev}`, 'data')).status, 403, 'an attachment');
    assert.ok((await stranger('PUT', '/_design/mine', { views: {} })).status >= 401, 'a design document');
    assert.ok((await stranger('PUT', '/_security', {})).status >= 401, 'the security object');
  });

  test('branches: only a first revision of a plain hash', async () => {
    const doc = new Device({ handshake: '', owner: 'bob@example.com' }).document();
    for (const rev of [`99-${'a'.repeat(32)}`, `2-${'a'.repeat(32)}`, '-2-x\u0001', `-2-${'a'.repeat(32)}`, '1-short', '1-\u0007\u001b[2J']) {
      const { status, body } = await replicate(doc, rev);
      assert.ok(status >= 400 || body[0]?.error, `${JSON.stringify(rev)}: ${status} ${JSON.stringify(body)}`);
    }
    const negative = await stranger('POST', '/_bulk_docs', { new_edits: false, docs: [{ ...doc, _rev: `-2-${'a'.repeat(32)}`, _revisions: { start: -2, ids: ['a'.repeat(32)] } }] });
    assert.ok(negative.status >= 400 || negative.body[0]?.error);
    for (const hash of ['f', '0']) assert.deepEqual((await replicate(doc, `1-${hash.repeat(32)}`)).body, []);
    const leaves = await request(`${server.url}/${db}/${doc._id}?open_revs=all`, { headers: { accept: 'application/json' } });
    assert.equal(leaves.body.length, 2);
    for (const { ok } of leaves.body) assert.deepEqual({ ...ok, _rev: '' }, { ...cleaned(doc), _rev: '' }, 'each says the same');
  });

  test('a device follows its own documents by _doc_ids and by the filter', async () => {
    const one = new Device({ handshake: '', owner: 'carol@example.com' }).document();
    const other = new Device({ handshake: '', owner: 'dave@example.com' }).document();
    await put(one);
    await put(other);
    const byIds = await stranger('POST', '/_changes?filter=_doc_ids', { doc_ids: [one._id] });
    assert.deepEqual(byIds.body.results.map(({ id }) => id), [one._id]);
    const byFilter = await stranger('GET', `/_changes?filter=channels/device&device=${one._id}`);
    assert.deepEqual(byFilter.body.results.map(({ id }) => id), [one._id]);
  });
});

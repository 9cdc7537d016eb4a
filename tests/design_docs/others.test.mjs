// The channel databases' validation and the registry's views, under Node; and what is in which folder.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ADMIN, load, read } from '../lib/design_docs.mjs';

const FOLDER = fileURLToPath(new URL('../../design_docs/', import.meta.url));
const ACCEPT = { value: undefined };

describe('a channel', () => {
  const { call } = load('channel', 'validate_doc_update.js');
  const security = { channels: { owners: ['user:1'], readers: ['user:3'] } };
  const as = (user) => ({ name: 'device-x', roles: [`user:${user}`] });
  const write = (doc, who, sec = security) => call(doc, null, who, sec);

  test('members write, readers don\'t', () => {
    assert.deepEqual(write({ _id: 'note' }, as(2)), ACCEPT);
    assert.deepEqual(write({ _id: 'note', _deleted: true }, as(2)), ACCEPT);
    assert.ok(write({ _id: 'note' }, as(3)).refused);
    assert.ok(write({ _id: 'note', _deleted: true }, as(3)).refused);
    assert.deepEqual(write({ _id: 'note' }, { name: 'x', roles: ['user:3', 'user:1'] }), ACCEPT, 'an owner by another role');
  });
  test('the description is the owners\'', () => {
    assert.deepEqual(write({ _id: 'description', name: 'Fun' }, as(1)), ACCEPT);
    assert.ok(write({ _id: 'description', name: 'Fun' }, as(2)).refused);
    assert.ok(write({ _id: 'description', _deleted: true }, as(1)).refused);
    assert.deepEqual(write({ _id: 'description' }, ADMIN), ACCEPT);
  });
  test('without owners in the security object only the daemon describes', () => {
    assert.ok(write({ _id: 'description' }, as(1), {}).refused);
    assert.deepEqual(write({ _id: 'note' }, as(1), {}), ACCEPT);
  });
});

test('the registry\'s views', () => {
  const rows = (view, doc) => {
    const { emitted, fn } = load('registry', `views/${view}/map.js`);
    fn(doc);
    return JSON.parse(JSON.stringify(emitted));
  };
  const device = { _id: 'device-1', type: 'device', state: 'confirming', user: 'u', address: 'd', device_code: 'C' };
  assert.deepEqual(rows('devices_by_user', device), [{ key: ['u', 'confirming'], value: null }]);
  assert.deepEqual(rows('devices_by_user', { ...device, user: undefined }), []);
  assert.deepEqual(rows('pending_by_address', device), [{ key: ['d', 'C'], value: null }]);
  assert.deepEqual(rows('pending_by_address', { ...device, state: 'active' }), []);
  assert.deepEqual(rows('devices_by_ended', { ...device, state: 'expired', ended: 'T' }), [{ key: 'T', value: 'expired' }]);
  assert.deepEqual(rows('devices_by_ended', device), []);
  assert.deepEqual(rows('traces_by_end', { _rev: '1-x', type: 'trace', until: 'T' }), [{ key: 'T', value: '1-x' }]);
  assert.deepEqual(rows('traces_by_end', device), []);
  assert.deepEqual(rows('forgotten_by_end', { type: 'forgotten', until: 'T' }), [{ key: 'T', value: null }]);
  const address = { type: 'address', key: 'k', mails: [{ at: 'T2' }, { at: 'T1' }], collective: [{ at: 'T3' }] };
  assert.deepEqual(rows('addresses_by_last_mail', address), [{ key: 'T3', value: 'k' }]);
  assert.deepEqual(rows('addresses_by_last_mail', { ...address, user: 'u' }), []);
  assert.deepEqual(rows('revisits_by_due', { type: 'revisit', due: 'T', database: 'd', id: 'i' }), [{ key: 'T', value: null }]);
  assert.deepEqual(rows('leases_by_taken', { type: 'lease', taken_at: 'T' }), [{ key: 'T', value: null }]);
  assert.deepEqual(rows('leases_by_taken', { type: 'lease', taken_at: 'T', parked: true }), []);
});

test('views are in handshake and registry only, and every folder has a version', () => {
  for (const folder of ['handshake', 'control', 'channel', 'registry']) {
    assert.match(read(folder, 'version'), /^[1-9]\d*\n$/);
    assert.equal(existsSync(`${FOLDER}${folder}/views`), folder === 'handshake' || folder === 'registry', folder);
  }
  assert.deepEqual(readdirSync(FOLDER).sort(), ['channel', 'control', 'handshake', 'registry']);
});

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
  test('of several roles the one that may most counts, and the role that everybody has counts for reading', () => {
    const members = { roles: ['user:1', 'user:3', 'group:g', 'group-reader:g', 'channels:everybody'] };
    const open = { members, channels: { owners: ['user:1'], readers: ['user:3', 'group-reader:g', 'channels:everybody'] } };
    const write = (...roles) => call({ _id: 'note' }, null, { name: 'device-x', roles }, open);
    assert.deepEqual(write('user:3', 'channels:everybody', 'group:g'), ACCEPT);
    assert.ok(write('user:3', 'channels:everybody', 'group-reader:g').refused);
    assert.ok(write('user:9', 'channels:everybody').refused);
    assert.ok(write('user:9', 'group:h', 'channels:everybody').refused, 'another group is not in it');
  });
  test('the description is the owners\'', () => {
    assert.deepEqual(write({ _id: 'description', name: 'Fun' }, as(1)), ACCEPT);
    assert.ok(write({ _id: 'description', name: 'Fun' }, as(2)).refused);
    assert.ok(write({ _id: 'description', _deleted: true }, as(1)).refused);
    assert.deepEqual(write({ _id: 'description' }, ADMIN), ACCEPT);
  });
  test('nobody writes to an archived one but the daemon', () => {
    const archived = { channels: { ...security.channels, archived: true } };
    for (const user of [1, 2, 3]) {
      for (const doc of [{ _id: 'note' }, { _id: 'note', _deleted: true }, { _id: 'description', name: 'Fun' }])
        assert.ok(write(doc, as(user), archived).refused, `${user} ${JSON.stringify(doc)}`);
    }
    assert.deepEqual(write({ _id: 'description' }, ADMIN, archived), ACCEPT);
  });
  test('without owners in the security object only the daemon describes', () => {
    assert.ok(write({ _id: 'description' }, as(1), {}).refused);
    assert.deepEqual(write({ _id: 'note' }, as(1), {}), ACCEPT);
  });
});

test('the directory is written by the daemon alone', () => {
  const { call } = load('directory', 'validate_doc_update.js');
  const listing = { _id: 'x', type: 'listing' };
  assert.deepEqual(call(listing, null, ADMIN, {}), ACCEPT);
  for (const doc of [listing, { _id: 'x', _deleted: true }]) assert.ok(call(doc, null, { name: 'device-x', roles: ['user:1', 'channels:everybody'] }, {}).refused);
});

test('the registry\'s views', () => {
  const rows = (view, doc) => {
    const { emitted, fn } = load('registry', `views/${view}/map.js`);
    fn(doc);
    return JSON.parse(JSON.stringify(emitted));
  };
  const team = { _id: 'channel-g', type: 'group', user: 'u', members: { u: { access: 'owner' }, v: { access: 'reader' }, w: { access: 'none' } } };
  assert.deepEqual(rows('groups_by_user', team), [{ key: 'u', value: 'owner' }, { key: 'v', value: 'reader' }]);
  assert.deepEqual(rows('groups_by_user', { ...team, members: undefined }), [{ key: 'u', value: 'owner' }]);
  assert.deepEqual(rows('groups_by_user', { ...team, type: 'channel' }), []);
  assert.deepEqual(rows('channels_by_group', { type: 'channel', groups: { g: { access: 'none' } } }), [{ key: 'g', value: null }]);
  assert.deepEqual(rows('followers_by_channel', { type: 'follower', channel: 'c', user: 'u' }), [{ key: ['c', 'u'], value: null }]);
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
  const channel = { type: 'channel', state: 'ready', template: 'v1' };
  assert.deepEqual(rows('channels_by_template', channel), [{ key: 'v1', value: null }]);
  assert.deepEqual(rows('channels_by_template', { ...channel, template: undefined }), [{ key: '', value: null }]);
  assert.deepEqual(rows('channels_by_template', { ...channel, template_failed: { version: 'v2', attempt: 3 } }), [{ key: 'v2!3', value: null }]);
  assert.deepEqual(rows('channels_by_template', { ...channel, state: 'making' }), []);
  assert.deepEqual(rows('leases_by_taken', { type: 'lease', taken_at: 'T', parked: true }), []);
  const people = (doc) => rows('by_person', doc).map(({ key }) => key);
  assert.deepEqual(people({ ...device, user: undefined }), [['d', 'device']]);
  assert.deepEqual(people(device), [['d', 'device'], ['u', 'device']]);
  assert.deepEqual(people({ type: 'channel', user: 'u', named_by: 'u', members: { u: {}, v: { access: 'none' } } }), [['u', 'channel'], ['v', 'channel']]);
  assert.deepEqual(people({ type: 'invitation', user: 'u', address: 'd' }), [['d', 'invitation'], ['u', 'invitation']]);
  for (const type of ['user', 'address', 'forgotten', 'erasure']) assert.deepEqual(people({ type, user: 'u', address: 'd' }), []);
  for (const state of ['deleted', 'removing']) assert.deepEqual(rows('channels_by_until', { type: 'channel', state, until: 'T' }), [{ key: 'T', value: null }]);
  for (const state of ['ready', 'gone']) assert.deepEqual(rows('channels_by_until', { type: 'channel', state }), []);
});

test('an entry of the audit is found by what it is about and who did it, also while a record holds it', () => {
  const { fn, emitted } = load('registry', 'views/audit/map.js');
  const rows = (doc) => {
    emitted.length = 0;
    fn(doc);
    return JSON.parse(JSON.stringify(emitted)).map(({ key, value }) => [key.join(' '), value]);
  };
  const entry = { _id: 'audit-T-1', type: 'audit', at: 'T', what: 'member removed', by: 'alice', user: 'bob', channel: 'fun' };
  assert.deepEqual(rows(entry), ['all all', 'user bob', 'user alice', 'channel fun'].map((of) => [`${of} T audit-T-1`, null]));
  assert.deepEqual(rows({ ...entry, by: 'mailbox', user: undefined, channel: undefined, device: 'd' }), [['all all T audit-T-1', null], ['device d T audit-T-1', null]]);
  assert.deepEqual(rows({ ...entry, by: 'bob', channel: undefined }).length, 2, 'what he did to himself is one row');
  const held = rows({ _id: 'channel-fun', type: 'channel', audit: [entry, { ...entry, _id: 'audit-U-2', at: 'U' }] });
  assert.deepEqual(held[0], ['all all T audit-T-1', entry]);
  assert.deepEqual(held.at(-1), ['held T', null]);
  assert.equal(held.length, 9);
  for (const doc of [{ type: 'channel' }, { type: 'channel', audit: [] }, { type: 'device', audit: 7 }]) assert.deepEqual(rows(doc), []);
});

test('an entry of the audit stays as it is, whoever comes', () => {
  const { call } = load('registry', 'validate_doc_update.js');
  const entry = { _id: 'audit-T-1', type: 'audit' };
  assert.deepEqual(call(entry, null, ADMIN), ACCEPT);
  assert.deepEqual(call({ ...entry, _revisions: { start: 1, ids: ['a'] } }, null, ADMIN), ACCEPT, 'restored by replication');
  assert.ok(call({ ...entry, by: 'bob' }, entry, ADMIN).refused);
  assert.ok(call({ _id: entry._id, _deleted: true }, entry, ADMIN).refused);
  assert.ok(call({ _id: entry._id, _deleted: true }, null, ADMIN).refused);
  assert.ok(call({ ...entry, _revisions: { start: 2, ids: ['b', 'a'] } }, null, ADMIN).refused, 'its parent is compacted away');
  for (const _id of ['channel-fun', 'device-audit-', 'checkpoint-1'])
    assert.deepEqual(call({ _id, _deleted: true }, { _id }, ADMIN), ACCEPT);
});

test('views are in handshake and registry only, and every folder has a version', () => {
  for (const folder of ['handshake', 'control', 'channel', 'directory', 'registry']) {
    assert.match(read(folder, 'version'), /^[1-9]\d*\n$/);
    assert.equal(existsSync(`${FOLDER}${folder}/views`), folder === 'handshake' || folder === 'registry', folder);
  }
  assert.deepEqual(readdirSync(FOLDER).sort(), ['channel', 'control', 'directory', 'handshake', 'registry']);
});

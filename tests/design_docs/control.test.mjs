// Validation and filters of control databases, under Node. tests/e2e/control.test.mjs meets them on a server.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { ADMIN, load } from '../lib/design_docs.mjs';

const { call } = load('control', 'validate_doc_update.js');
const USER = { name: 'device-1', roles: ['user:1'] };
const ID = 'a'.repeat(64);
const device = { _id: ID, _rev: `3-${'c'.repeat(32)}`, type: 'device', state: 'active', name: 'phone', user: '1', username: 'device-1', created: 'T' };
const channel = { _id: 'c'.repeat(20), _rev: `2-${'c'.repeat(32)}`, type: 'channel', state: 'ready', name: 'Fun', database: 'd', syncpoint: 's' };
const subscription = { _id: 'x-sub-1', _rev: `1-${'c'.repeat(32)}`, type: 'subscription', state: 'active', channel: 'x', syncpoint: 's' };
const newChannel = { _id: 'c'.repeat(20), type: 'channel', state: 'new', name: 'Fun' };

const parentOf = (old) => ({ start: Number(old._rev.split('-')[0]), ids: [old._rev.split('-')[1]] });
/** As an ordinary edit, by its history; and as a replicated revision on top of the old one. */
const edit = (change, old) => call({ ...old, ...change, _revisions: parentOf(old) }, old, USER, {});
const replicate = (change, old) => {
  const { start, ids } = parentOf(old);
  return call({ ...old, ...change, _revisions: { start: start + 1, ids: ['f'.repeat(32), ...ids] } }, old, USER, {});
};
const make = (doc) => call(doc, null, USER, {});
const ACCEPT = { value: undefined };

describe('the form, of every revision', () => {
  const BAD = {
    'no type': { ...newChannel, type: undefined },
    'no state': { ...newChannel, state: undefined },
    'a name that is no string': { ...newChannel, name: {} },
    'a name of 201 characters': { ...newChannel, name: 'n'.repeat(201) },
    'an owner of 255': { ...newChannel, owner: 'o'.repeat(255) },
    'a document of 70 kB': { ...newChannel, note: 'x'.repeat(70000) },
    'a document of 21 levels': { ...newChannel, note: JSON.parse('['.repeat(21) + ']'.repeat(21)) },
    'an attachment': { ...newChannel, _attachments: { a: {} } },
    'a device with another id': { _id: 'phone', type: 'device', state: 'revoke' },
    'a subscription in another state': { ...subscription, state: 'deleted' },
    'a design document': { _id: '_design/x', type: 'x', state: 'x' },
  };
  for (const [what, doc] of Object.entries(BAD)) {
    test(`refuses ${what}`, () => {
      assert.ok(make(doc).refused);
      assert.ok(call({ ...doc, _revisions: { start: 4, ids: ['f'.repeat(32), 'e'.repeat(32)] } }, null, USER, {}).refused, 'by replication');
      assert.deepEqual(call(doc, null, ADMIN, {}), ACCEPT, 'the daemon may');
    });
  }
});

// CouchDB takes any name for a revision that is replicated, and shows it in every row of the feed.
test('the name of a revision, or of one that it came from, is at most 64 characters long', () => {
  const named = (...ids) => call({ ...newChannel, _revisions: { start: 9, ids } }, null, USER, {});
  const deleted = (...ids) => call({ _id: 'note', _deleted: true, _revisions: { start: 9, ids } }, null, USER, {});
  for (const taken of [named, deleted]) {
    assert.deepEqual(taken('f'.repeat(64), 'e'.repeat(32)), ACCEPT);
    assert.ok(taken('f'.repeat(65)).refused);
    assert.ok(taken('f'.repeat(32), 'e'.repeat(65)).refused);
  }
  assert.deepEqual(call({ ...newChannel, _revisions: { start: 9, ids: ['f'.repeat(65)] } }, null, ADMIN, {}), ACCEPT);
});

test('a deletion is no larger than a document', () => {
  assert.deepEqual(make({ _id: 'note', _deleted: true, note: 'x'.repeat(1000) }), ACCEPT);
  assert.ok(make({ _id: 'note', _deleted: true, note: 'x'.repeat(70000) }).refused);
});

describe('an ordinary edit', () => {
  test('makes channels, subscriptions, invitations, documents of apps', () => {
    assert.deepEqual(make(newChannel), ACCEPT);
    assert.deepEqual(make({ ...subscription, _rev: undefined }), ACCEPT);
    assert.deepEqual(make({ _id: 'i', type: 'invitation', state: 'new', channel: 'x', to: 'bob@example.com', access: 'reader' }), ACCEPT);
    assert.deepEqual(make({ _id: 'a', type: 'settings', state: 'any' }), ACCEPT);
    assert.deepEqual(make({ _id: 'profile', type: 'profile', state: 'new', name: 'Alice' }), ACCEPT);
    assert.deepEqual(make({ _id: 'm', type: 'member', state: 'show', channel: 'x', shows: 'names' }), ACCEPT);
  });
  test('gives a profile another name, and nothing else of the daemon\'s', () => {
    const profile = { _id: 'profile', _rev: `2-${'c'.repeat(32)}`, type: 'profile', state: 'ready', name: 'Alice', named: 'Alice' };
    assert.deepEqual(edit({ name: 'Alice L.' }, profile), ACCEPT);
    for (const change of [{ named: 'Alice L.' }, { state: 'new' }, { type: 'note' }]) assert.ok(edit(change, profile).refused, JSON.stringify(change));
    assert.ok(edit({ _deleted: true }, profile).refused);
    assert.deepEqual(edit({ state: 'new', name: 'Al' }, { ...profile, state: 'error' }), ACCEPT);
  });
  test('shows nobody\'s members by itself', () => {
    assert.ok(edit({ shows: 'addresses' }, channel).refused);
    assert.ok(make({ _id: 'm', type: 'member', state: 'show', channel: 'x', shows: ['addresses'] }).refused);
  });
  test('makes no devices, no doorbell, nothing that is ready already', () => {
    assert.ok(make({ ...device, _rev: undefined }).refused);
    assert.ok(make({ _id: 'doorbell', type: 'doorbell', state: 'new' }).refused);
    assert.ok(make({ ...newChannel, state: 'ready' }).refused);
    assert.ok(make({ _id: 'i', type: 'invitation', state: 'received' }).refused);
  });
  test('changes what is a person\'s', () => {
    assert.deepEqual(edit({ name: 'Kitchen' }, device), ACCEPT);
    assert.deepEqual(edit({ state: 'revoke', wipe: true }, device), ACCEPT);
    assert.deepEqual(edit({ name: 'More fun', color: 'green' }, channel), ACCEPT);
    assert.deepEqual(edit({ state: 'paused' }, subscription), ACCEPT);
    assert.deepEqual(edit({ state: 'new', error: undefined }, { ...channel, state: 'error', error: {} }), ACCEPT);
    assert.deepEqual(edit({ state: 'active', error: undefined }, { ...subscription, state: 'error', error: {} }), ACCEPT);
  });
  test('changes nothing that is the daemon\'s', () => {
    for (const change of [{ user: '2' }, { username: 'x' }, { state: 'revoked' }, { state: 'new' }, { created: 'U' }, { type: 'x' }])
      assert.ok(edit(change, device).refused, JSON.stringify(change));
    for (const change of [{ database: 'x' }, { syncpoint: 'x' }, { state: 'new' }, { owner: 'bob@example.com' }, { type: 'x' }])
      assert.ok(edit(change, channel).refused, JSON.stringify(change));
    assert.ok(edit({ syncpoint: 'https://evil.example/' }, subscription).refused);
    assert.ok(edit({ channels: {} }, { _id: 'doorbell', _rev: `1-${'c'.repeat(32)}`, type: 'doorbell', state: 'ready', channels: { a: 'T' } }).refused);
  });
});

describe('a replicated revision', () => {
  test('is checked for its form only', () => {
    assert.deepEqual(replicate({ user: '2', name: 'offline' }, device), ACCEPT);
    assert.deepEqual(replicate({ syncpoint: 'x' }, channel), ACCEPT);
    assert.deepEqual(call({ ...device, _revisions: { start: 9, ids: ['f'.repeat(32)] } }, null, USER, {}), ACCEPT);
  });
  test('never takes a revocation back', () => {
    for (const state of ['revoke', 'revoked']) {
      const old = { ...device, state };
      for (const attempt of [edit, replicate]) {
        assert.ok(attempt({ state: 'active' }, old).refused);
        assert.ok(attempt({ state: 'new' }, old).refused);
      }
      assert.deepEqual(replicate({ state: 'revoked' }, old), ACCEPT);
      assert.deepEqual(replicate({ state: 'revoke' }, old), ACCEPT);
    }
  });
});

describe('an invitation and a member document', () => {
  const rev = { _rev: `2-${'c'.repeat(32)}` };
  const sent = { _id: 'i', ...rev, type: 'invitation', state: 'sent', channel: 'x', to: 'bob@example.com', access: 'reader', expires: 'T' };
  const received = { ...sent, _id: `invitation-${'d'.repeat(64)}`, state: 'received', from: 'alice@example.com', name: 'Fun' };
  test('take the answers that a person has', () => {
    assert.deepEqual(edit({ state: 'withdraw' }, sent), ACCEPT);
    for (const state of ['accept', 'decline']) assert.deepEqual(edit({ state }, received), ACCEPT);
    for (const state of ['change', 'remove', 'hand over', 'leave'])
      assert.deepEqual(make({ _id: 'm', type: 'member', state, channel: 'x', user: 'u', access: 'reader' }), ACCEPT);
    assert.deepEqual(edit({ state: 'new', to: 'bo@example.com' }, { ...sent, state: 'error', error: {} }), ACCEPT);
    assert.deepEqual(edit({ state: 'leave' }, { _id: 'm', ...rev, type: 'member', state: 'error', channel: 'x' }), ACCEPT);
  });
  test('take no other', () => {
    for (const change of [{ state: 'accepted' }, { state: 'accept' }, { state: 'new' }, { access: 'owner' }, { to: 'x@example.com' }, { channel: 'y' }])
      assert.ok(edit(change, sent).refused, JSON.stringify(change));
    for (const change of [{ state: 'accepted' }, { state: 'withdraw' }, { access: 'owner' }, { from: 'eve@example.com' }, { name: 'Trap' }])
      assert.ok(edit(change, received).refused, JSON.stringify(change));
    for (const state of ['done', 'new', 'error']) assert.ok(make({ _id: 'm', type: 'member', state }).refused, state);
    assert.ok(edit({ state: 'leave' }, { _id: 'm', ...rev, type: 'member', state: 'done', channel: 'x' }).refused);
  });
  test('may go once they are over, and so may a channel that one is out of', () => {
    const gone = (old) => call({ _id: old._id, _deleted: true }, old, USER, {});
    for (const state of ['accepted', 'declined', 'withdrawn', 'expired', 'error']) assert.deepEqual(gone({ ...sent, state }), ACCEPT);
    for (const state of ['sent', 'received', 'accept', 'new']) assert.ok(gone({ ...sent, state }).refused, state);
    assert.deepEqual(gone({ ...channel, state: 'removed' }), ACCEPT);
    assert.deepEqual(gone({ _id: 'm', ...rev, type: 'member', state: 'done' }), ACCEPT);
  });
});

test('a link is made, closed and, once it is over, deleted; a join is made', () => {
  const open = { _id: 'l', _rev: `2-${'c'.repeat(32)}`, type: 'link', state: 'open', channel: 'x', code: 'a'.repeat(32), access: 'reader', uses: 10, expires: 'T' };
  const gone = (old) => call({ _id: old._id, _deleted: true }, old, USER, {});
  for (const type of ['link', 'join']) {
    assert.deepEqual(make({ _id: 'l', type, state: 'new', channel: 'x', code: 'a'.repeat(32), access: 'reader' }), ACCEPT);
    for (const state of ['open', 'joined', 'closed']) assert.ok(make({ _id: 'l', type, state }).refused, state);
    assert.ok(make({ _id: 'l', type, state: 'new', code: 'a'.repeat(65) }).refused);
  }
  for (const state of ['new', 'open']) assert.deepEqual(edit({ state: 'close' }, { ...open, state }), ACCEPT);
  assert.deepEqual(edit({ note: 'for the team' }, open), ACCEPT);
  for (const change of [{ state: 'closed' }, { state: 'new' }, { access: 'writer' }, { uses: 99 }, { expires: 'U' }, { code: 'b'.repeat(32) }, { channel: 'y' }])
    assert.ok(edit(change, open).refused, JSON.stringify(change));
  assert.ok(edit({ state: 'open' }, { ...open, state: 'closed' }).refused);
  for (const state of ['open', 'close', 'new']) assert.ok(gone({ ...open, state }).refused, state);
  for (const state of ['used', 'closed', 'expired', 'error']) assert.deepEqual(gone({ ...open, state }), ACCEPT);
  assert.deepEqual(gone({ ...open, type: 'join', state: 'joined' }), ACCEPT);
});

test('a channel is archived, reopened, deleted and brought back by its state', () => {
  const may = { ready: ['archive', 'delete'], archived: ['reopen', 'delete'], deleted: ['undelete'], removed: [] };
  const wishes = ['archive', 'reopen', 'delete', 'undelete'];
  for (const [state, allowed] of Object.entries(may)) {
    for (const wish of wishes) {
      const answer = edit({ state: wish }, { ...channel, state, until: 'T' });
      if (allowed.includes(wish)) assert.deepEqual(answer, ACCEPT, `${state} ${wish}`);
      else assert.ok(answer.refused, `${state} ${wish}`);
    }
    assert.ok(edit({ until: 'later' }, { ...channel, state, until: 'T' }).refused);
  }
  assert.ok(edit({ state: 'archived' }, channel).refused);
  assert.ok(edit({ state: 'deleted' }, channel).refused);
  assert.ok(call({ ...channel, state: 'deleted', _deleted: true }, { ...channel, state: 'deleted' }, USER, {}).refused, 'an owner needs it to bring the channel back');
});

test('a deletion of a device, channel or invitation is refused, of others not', () => {
  for (const old of [device, channel, { ...channel, type: 'invitation' }, { ...channel, type: 'doorbell' }])
    assert.ok(call({ _id: old._id, _deleted: true }, old, USER, {}).refused, old.type);
  assert.deepEqual(call({ _id: 'x', _deleted: true }, subscription, USER, {}), ACCEPT);
  assert.deepEqual(call({ _id: 'x', _deleted: true }, null, USER, {}), ACCEPT);
});

test('the filters', () => {
  const byType = load('control', 'filters/by_type.js').call;
  assert.equal(byType(channel, { query: { type: 'channel,subscription' } }).value, true);
  assert.equal(byType(device, { query: { type: 'channel,subscription' } }).value, false);
  assert.equal(byType(device, { query: {} }).value, false);
  assert.equal(byType({ _id: 'x', _deleted: true }, { query: { type: 'channel' } }).value, true);
  const byChannel = load('control', 'filters/by_channel.js').call;
  const of = (doc, id) => byChannel(doc, { query: { channel: id } }).value;
  assert.equal(of(channel, channel._id), true);
  assert.equal(of(subscription, 'x'), true);
  assert.equal(of({ _id: 'x-sub-1', _deleted: true }, 'x'), true);
  assert.equal(of(subscription, 'y'), false);
  assert.equal(of(subscription, ''), false);
});

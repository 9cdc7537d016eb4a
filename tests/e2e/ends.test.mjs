// Channels that end: archived, deleted for a time, and gone for good; and how they come back.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { request, waitFor } from '../lib/net.mjs';
import { READS, WRITES, channelUrl, person, security } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

let world, alice, bob, carol;

async function people(channels = {}) {
  world = await startWorld({ channels });
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => person(world, `${name}@example.com`)));
}

/** A channel of Alice's with a note in it; `others`: [[person, access]]. */
async function shared(...others) {
  const { _id } = await world.makeChannel(alice.device);
  for (const [who, access] of others) {
    assert.equal((await alice.invite(_id, who.address, access)).state, 'sent');
    await who.accept(_id);
  }
  assert.equal((await alice.ask(_id, '/note', { method: 'PUT', body: { text: 'hello' } })).status, 201);
  return _id;
}

/** Wishes it by the state of his own document; gives that once it is in that state or the wish was refused. */
async function wish(who, channel, state, becomes) {
  const { rev } = await who.put({ ...await who.get(channel), state });
  return who.seen(channel, (doc) => doc._rev !== rev && (doc.state === becomes || doc.error));
}
const archive = (who, channel) => wish(who, channel, 'archive', 'archived');
const reopen = (who, channel) => wish(who, channel, 'reopen', 'ready');
const remove = (who, channel) => wish(who, channel, 'delete', 'deleted');
const bringBack = (who, channel) => wish(who, channel, 'undelete', 'ready');
const is = (doc, state) => assert.deepEqual([doc.state, doc.error], [state, undefined], JSON.stringify(doc));
const failed = (doc, error) => assert.equal(doc.error?.error, error, JSON.stringify(doc));
const sees = (who, channel, state) => who.settled(channel, [state]);

/** Each try is let in, or each is refused; a route that the embedded server doesn't have says nothing. */
async function expectAll(who, channel, tries, allowed, what) {
  for (const [name, path, options] of tries) {
    const { status, text } = await who.ask(channel, path, options);
    if (status === 501 && world.server.embedded) continue;
    const refused = status === 401 || status === 403 || (status < 300 && text.includes('"forbidden"')) || (name === 'security' && text.includes('no_majority'));
    assert.equal(refused, !allowed, `${what}, ${name}: ${status} ${text.slice(0, 200)}`);
  }
}

const readable = READS.filter(([name]) => name !== 'attachment');

/** Pushes a revision as a replication does, on top of `onto`. */
async function push(who, onto, change, hash) {
  const [generation, parent] = onto._rev.split('-');
  const start = Number(generation) + 1;
  const doc = { ...onto, ...change, _rev: `${start}-${hash.repeat(32)}`, _revisions: { start, ids: [hash.repeat(32), parent] } };
  const { status, text } = await who.device.request(`${who.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [doc] } });
  assert.equal(status, 201, text);
}

describe('while a channel can come back', () => {
  before(() => people());
  after(() => world?.close());

  test('archived it is read by all and written by nobody, until it is reopened', async () => {
    const channel = await shared([bob, 'writer'], [carol, 'reader']);
    is(await archive(alice, channel), 'archived');
    for (const [who, access] of [[alice, 'owner'], [bob, 'writer'], [carol, 'reader']]) {
      const copy = await sees(who, channel, 'archived');
      assert.equal(copy.access, access);
      assert.ok(copy.syncpoint.endsWith(channel));
      await expectAll(who, channel, readable, true, `${access} of an archived channel`);
      await expectAll(who, channel, WRITES, false, `${access} of an archived channel`);
      assert.equal((await who.ask(channel, `/_local/${access}`, { method: 'PUT', body: { seq: 1 } })).status, 201);
    }
    assert.equal((await bob.get(`${channel}-sub-${bob.user}`)).state, 'active');
    // An owner may still give it a name, and a member may still be put out.
    await alice.put({ ...await alice.get(channel), name: `Old ${channel}` });
    await bob.seen(channel, ({ name, state }) => name === `Old ${channel}` && state === 'archived');
    await alice.change('remove', channel, { user: carol.user });
    assert.equal((await carol.ask(channel)).status, 403);
    assert.equal((await security(world, channel)).channels.archived, true);

    is(await reopen(alice, channel), 'ready');
    await sees(bob, channel, 'ready');
    assert.equal((await security(world, channel)).channels.archived, undefined);
    assert.equal((await bob.ask(channel, '/mine', { method: 'PUT', body: {} })).status, 201);
  });

  test('only an owner ends a channel; to wish what is so already does nothing', async () => {
    const channel = await shared([bob, 'writer']);
    for (const state of ['archive', 'delete']) {
      const refused = await wish(bob, channel, state, 'nothing');
      assert.equal(refused.state, 'ready');
      failed(refused, 'no_owner');
    }
    assert.equal((await bob.ask(channel, '/mine', { method: 'PUT', body: {} })).status, 201);
    is(await archive(alice, channel), 'archived');
    const copy = await alice.get(channel);
    await push(alice, copy, { state: 'archive' }, 'a');
    is(await alice.seen(channel, ({ state, _rev }) => state === 'archived' && _rev !== copy._rev), 'archived');
    is(await remove(alice, channel), 'deleted');
    await push(alice, await alice.get(channel), { state: 'reopen' }, 'b');
    const refused = await alice.seen(channel, ({ error }) => error);
    assert.equal(refused.state, 'deleted');
    failed(refused, 'deleted');
  });

  test('deleted nobody gets in; brought back it is as it was', async () => {
    const channel = await shared([bob, 'writer'], [carol, 'reader']);
    const subscription = `${channel}-sub-${carol.user}`;
    await carol.put({ ...await carol.get(subscription), state: 'paused' });
    is(await archive(alice, channel), 'archived');
    await sees(carol, channel, 'archived');
    const before = await security(world, channel);

    const deleted = await remove(alice, channel);
    is(deleted, 'deleted');
    assert.equal(deleted.syncpoint, undefined);
    const days = (Date.parse(deleted.until) - Date.now()) / 86400000;
    assert.ok(days > 29.9 && days < 30.1, deleted.until);
    for (const who of [alice, bob, carol]) {
      assert.equal((await sees(who, channel, 'deleted')).until, deleted.until);
      failed(await who.settled(`${channel}-sub-${who.user}`, ['error']), 'deleted');
      await expectAll(who, channel, READS, false, 'a member of a deleted channel');
      await expectAll(who, channel, WRITES, false, 'a member of a deleted channel');
    }
    failed(await wish(bob, channel, 'undelete', 'ready'), 'no_owner');
    assert.equal((await bob.change('leave', channel)).error.error, 'no_member');
    assert.equal((await alice.invite(channel, 'dave@example.com')).error.error, 'no_owner');

    const back = await wish(alice, channel, 'undelete', 'archived');
    is(back, 'archived');
    await sees(bob, channel, 'archived');
    await carol.settled(subscription, ['paused']);
    await bob.settled(`${channel}-sub-${bob.user}`, ['active']);
    assert.deepEqual(await security(world, channel), before);
    assert.equal((await carol.ask(channel, '/note')).body.text, 'hello');
    is(await reopen(alice, channel), 'ready');
    await sees(bob, channel, 'ready');
    assert.equal((await bob.ask(channel, '/note', { method: 'PUT', body: { ...(await bob.ask(channel, '/note')).body, text: 'again' } })).status, 201);
  });

  test('the name of a deleted channel is free; brought back it needs it again', async () => {
    const { _id: first } = await world.makeChannel(alice.device, { name: 'Diary' });
    is(await remove(alice, first), 'deleted');
    const second = await world.makeChannel(alice.device, { name: 'Diary' });
    is(second, 'ready');
    const refused = await bringBack(alice, first);
    assert.equal(refused.state, 'deleted');
    failed(refused, 'duplicate');
    await alice.put({ ...await alice.get(second._id), name: 'New diary' });
    await waitFor(async () => (await alice.ask(second._id, '/description')).body.name === 'New diary');
    is(await bringBack(alice, first), 'ready');
    assert.equal((await world.makeChannel(alice.device, { name: 'Diary' })).channel, first);
  });

  test('two owners who wish different things at once see the same in the end', async () => {
    const channel = await shared([bob, 'owner']);
    const [hers, his] = [await alice.get(channel), await bob.get(channel)];
    await Promise.all([alice.put({ ...hers, state: 'archive' }), bob.put({ ...his, state: 'delete' })]);
    await sees(alice, channel, 'deleted');
    await sees(bob, channel, 'deleted');
    assert.equal((await alice.ask(channel)).status, 403);
  });

  test('a wish made offline is carried out, though the document went on meanwhile', async () => {
    const channel = await shared([bob, 'writer']);
    const old = await alice.get(channel);
    await alice.put({ ...old, name: `More of ${channel}` });
    await bob.seen(channel, ({ name }) => name === `More of ${channel}`);
    await push(alice, old, { state: 'archive' }, 'c');
    const copy = await sees(alice, channel, 'archived');
    assert.equal(copy.error, undefined);
    assert.equal((await bob.ask(channel, '/mine', { method: 'PUT', body: {} })).status, 403);
    await waitFor(async () => !(await alice.device.request(`${alice.device.control}/${channel}?conflicts=true`)).body._conflicts);
  });

  test('a copy that a device spoiled is put right, and says nothing to others', async () => {
    const channel = await shared([bob, 'writer']);
    const until = (await remove(alice, channel)).until;
    const spoiled = await sees(bob, channel, 'deleted');
    await push(bob, spoiled, { state: 'ready', until: undefined, syncpoint: 'http://elsewhere', access: 'owner' }, 'd');
    const mended = await bob.seen(channel, ({ state, _rev }) => state === 'deleted' && _rev !== spoiled._rev);
    assert.deepEqual([mended.until, mended.syncpoint, mended.access], [until, undefined, 'writer']);
    assert.equal((await bob.ask(channel)).status, 403);
    // Who never was in it makes nothing of its id.
    const foreign = await world.makeChannel(carol.device, { _id: channel, name: 'Mine now' });
    failed(foreign, 'id_taken');
  });

  test('killed while a channel is deleted and brought back, the daemon finishes it', async () => {
    const channel = await shared([bob, 'writer']);
    for (const [state, becomes, status] of [['delete', 'deleted', 403], ['undelete', 'ready', 200], ['archive', 'archived', 200]]) {
      await alice.put({ ...await alice.get(channel), state });
      await world.daemon.kill();
      world.daemon.start();
      await world.daemon.waitUntilReady();
      for (const who of [alice, bob]) await sees(who, channel, becomes);
      await waitFor(async () => (await bob.ask(channel, '/note')).status === status, { what: `${state}: ${status}` });
    }
    await waitFor(async () => (await bob.ask(channel, '/mine', { method: 'PUT', body: {} })).status === 403);
  });
});

describe('when its time is over', () => {
  before(() => people({ deleted_kept: 2 }));
  after(() => world?.close());

  test('a deleted channel is gone for good, and no old copy makes it anew', async () => {
    const channel = await shared([bob, 'writer']);
    const ready = await alice.get(channel);
    // It is "deleted" for two seconds only: on a busy machine nobody may have looked meanwhile.
    await alice.put({ ...ready, state: 'delete' });
    for (const who of [alice, bob]) {
      const told = await sees(who, channel, 'removed');
      assert.deepEqual([told.left, told.wipe, told.until], [false, false, undefined]);
    }
    assert.equal((await request(channelUrl(world, channel), { auth: world.server })).status, 404);
    const record = await waitFor(async () => {
      const { body } = await request(`${world.daemon.registry}/channel-${channel}`, { auth: world.server });
      return body.state === 'gone' && body;
    });
    assert.deepEqual(Object.keys(record).filter((key) => key !== 'audit').sort(), ['_id', '_rev', 'ended', 'state', 'type']);

    // A backup, or a device that was away for long, brings what it had.
    await push(alice, ready, { state: 'ready', name: 'Again' }, 'f');
    await waitFor(async () => {
      const { body } = await alice.device.request(`${alice.device.control}/${channel}?conflicts=true`);
      return body.state === 'removed' && !body._conflicts;
    });
    await alice.device.request(`${alice.device.control}/${channel}?rev=${(await alice.get(channel))._rev}`, { method: 'DELETE' });
    failed(await world.makeChannel(alice.device, { _id: channel }), 'id_taken');
    assert.equal((await request(channelUrl(world, channel), { auth: world.server })).status, 404);
    is(await world.makeChannel(alice.device, { name: ready.name }), 'ready');
  });
});

// Open feeds over a revocation and over a removal from a channel, on a node with the manager: CouchDB asks who reads only when a feed begins,
// so each is held open by its device as one that means no good would, while somebody writes on; the last document that still arrives is measured.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverKind } from '../lib/couch_server.mjs';
import { newNames } from '../lib/daemon.mjs';
import { Device, YES, confirm, confirmDocument } from '../lib/device.mjs';
import { LINK, linkIn, startMailSink } from '../lib/mail_sink.mjs';
import { basicAuth, request, waitFor } from '../lib/net.mjs';
import { channelsIn, setSetting, setting, startInstalled } from './installed.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';
const DURATION_MS = 20000;
// What a busy machine may add: the end comes with the next row, and each write takes its time.
const SLACK_MS = 5000;
// CouchDB remembers for up to a second whom it let in.
const REFUSED_MS = 3000;
const LONG = { timeout: 120000 };

let server;
let mail;
let phone;
let channel;
const names = newNames();

before(async () => {
  if (skip) return;
  mail = await startMailSink();
  server = await startInstalled({
    daemons: { channels: channelsIn },
    config: { channels: names, channels_mail: { server: mail.url, from: 'no-reply@channels.example' } },
  });
  await waitFor(async () => await setting(server, 'fabric', 'changes_duration') === '60000', { ...LONG, what: 'the manager' });
  await setSetting(server, 'fabric', 'changes_duration', String(DURATION_MS));
  phone = await activate('phone');
  channel = await makeChannel();
});
after(async () => {
  await server?.close();
  await mail?.close();
});

async function activate(name, owner = 'alice@example.com') {
  const handshake = `${server.url}/${names.handshake_db}`;
  const device = new Device({ handshake, owner, name });
  await waitFor(async () => (await device.register()).status === 201, { ...LONG, what: 'a registration' });
  const link = linkIn(await mail.next({ to: device.owner, text: LINK, timeout: 60000 }));
  const { device_code: deviceCode } = await device.waitFor('confirming', LONG);
  assert.equal((await confirm(handshake, confirmDocument({ ...link, answer: YES, deviceCode }))).state, 'used');
  const active = await device.waitFor('active', LONG);
  return Object.assign(device, { control: active.syncpoint, user: active.user });
}

async function makeChannel() {
  const id = `channel-${Date.now()}-for-feeds`;
  assert.equal((await phone.request(`${phone.control}/${id}`, { method: 'PUT', body: { type: 'channel', state: 'new', name: id } })).status, 201);
  return waitFor(async () => {
    const { body } = await phone.request(`${phone.control}/${id}`);
    return body.state === 'ready' && body.syncpoint;
  }, { ...LONG, what: 'the channel' });
}

/** Held open by that device, without a pause at which CouchDB looks at changes_duration. */
async function openFeed(device, url) {
  const { status, body } = await fetch(`${url}/_changes?feed=continuous&since=now&heartbeat=3600000`, { headers: basicAuth(device.auth) });
  assert.equal(status, 200);
  const feed = { ended: false, last: null };
  feed.done = (async () => {
    for await (const chunk of body) {
      for (const [, id] of Buffer.from(chunk).toString().matchAll(/"id":"(tick-[^"]*)"/g)) feed.last = { id, at: Date.now() };
    }
    feed.ended = true;
  })();
  return feed;
}

/** An admin who writes on, some times a second, until `isOver`; then for a while more. */
async function writeUntil(url, isOver) {
  const path = new URL(url).pathname;
  const ends = Date.now() + 120000;
  let after = 10;
  for (let n = 0; after > 0 && Date.now() < ends; n += 1) {
    await server.request(`${path}/tick-${Date.now()}-${n}`, { method: 'PUT', body: {} });
    await sleep(100);
    if (isOver()) after -= 1;
  }
}

/** The feed has ended, and by then; tells how long it went on. */
function assertBounded(t, feed, since, what) {
  assert.ok(feed.ended, `${what}: the feed is still open`);
  assert.ok(feed.last, 'something had arrived');
  const late = feed.last.at - since;
  t.diagnostic(`${what}: the last document arrived ${late} ms after it, with changes_duration = ${DURATION_MS} ms`);
  assert.ok(late <= DURATION_MS + SLACK_MS, `${late} ms`);
}

test('a device that is revoked: new requests are refused, by password and by cookie, and its open feeds end', { skip }, async (t) => {
  const thief = await activate('stolen');
  const { headers } = await request(`${server.url}/_session`, { method: 'POST', body: { name: thief.username, password: thief.secret } });
  const cookie = headers.get('set-cookie').split(';')[0];
  const withCookie = () => request(channel, { headers: { cookie } });
  assert.equal((await withCookie()).status, 200);
  const feeds = [await openFeed(thief, channel), await openFeed(thief, thief.control)];

  const doc = (await phone.request(`${phone.control}/${thief.id}`)).body;
  assert.equal((await phone.request(`${phone.control}/${thief.id}`, { method: 'PUT', body: { ...doc, state: 'revoke' } })).status, 201);
  const revoked = Date.now();
  const asks = { password: () => thief.request(channel), cookie: withCookie };
  const lastTaken = {};
  const looks = Object.entries(asks).map(([how, ask]) => waitFor(async () => {
    const asked = Date.now();
    const { status } = await ask();
    if (status === 200) lastTaken[how] = asked;
    return status === 401;
  }, { ...LONG, interval: 20, what: `a refusal of the ${how}` }));
  const isOver = () => feeds.every(({ ended }) => ended);
  await Promise.all([writeUntil(channel, isOver), writeUntil(thief.control, isOver), ...looks]);
  const { revoked_at: seen } = (await server.request(`/${names.registry_db}/device-${thief.id}`)).body;
  for (const [how, at] of Object.entries(lastTaken)) {
    t.diagnostic(`the ${how} was taken for the last time ${at - Date.parse(seen)} ms after the daemon revoked the device`);
    assert.ok(at - Date.parse(seen) <= REFUSED_MS, `${how}: ${at - Date.parse(seen)} ms`);
  }
  for (const [n, what] of ['channel', 'control database'].entries()) assertBounded(t, feeds[n], revoked, what);
  assert.equal((await thief.request(`${channel}/_changes`)).status, 401);
});

/** As a person with that device: a document into the own control database, and what becomes of it. */
async function say(device, doc, ...ends) {
  assert.equal((await device.request(`${device.control}/${doc._id}`, { method: 'PUT', body: doc })).status, 201);
  return waitFor(async () => {
    const { body } = await device.request(`${device.control}/${doc._id}`);
    return ends.includes(body.state) && body;
  }, { ...LONG, what: `${doc.type} ${ends}` });
}

test('a member whom an owner puts out of a channel: new requests are refused, and his open feed ends', { skip }, async (t) => {
  const bob = await activate('of bob', 'bob@example.com');
  const id = new URL(channel).pathname.split('/').pop().slice(names.channel_prefix.length);
  await say(phone, { _id: `invitation-${Date.now()}-to-bob`, type: 'invitation', state: 'new', channel: id, to: 'bob@example.com', access: 'writer' }, 'sent');
  const invitation = await waitFor(async () => {
    const { body } = await bob.request(`${bob.control}/_all_docs?include_docs=true`);
    return body.rows.map(({ doc }) => doc).find(({ type, state }) => type === 'invitation' && state === 'received');
  }, { ...LONG, what: 'the invitation' });
  await say(bob, { ...invitation, state: 'accept' }, 'accepted');
  await waitFor(async () => (await bob.request(channel)).status === 200, { ...LONG, what: 'a way in' });
  const feed = await openFeed(bob, channel);

  await say(phone, { _id: `out-${Date.now()}`, type: 'member', state: 'remove', channel: id, user: bob.user }, 'done');
  const removed = Date.now();
  let lastTaken = 0;
  await waitFor(async () => {
    const asked = Date.now();
    const { status } = await bob.request(channel);
    if (status === 200) lastTaken = asked;
    return status === 403;
  }, { ...LONG, interval: 20, what: 'a refusal' });
  assert.ok(lastTaken - removed <= REFUSED_MS, `${lastTaken - removed} ms`);
  await writeUntil(channel, () => feed.ended);
  assertBounded(t, feed, removed, 'removed from the channel');
  assert.equal((await bob.request(bob.control)).status, 200, 'all else is as before');
});

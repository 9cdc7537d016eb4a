// role = device: a laptop's own CouchDB, paired with a cloud, both real servers.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverKind, waitUntilUp } from '../lib/couch_server.mjs';
import { startLaptop } from '../lib/laptop.mjs';
import { basicAuth, request, waitFor } from '../lib/net.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

const ALICE = 'alice@example.com';
const LONG = 120000;
const kind = serverKind({ own: true });
const skip = kind !== 'couchdb' && `needs two CouchDBs of its own, with a replicator; at hand is: ${kind}`;

let world;
let laptop;
let phone;
let control;
const channels = [];

before(async () => {
  if (skip) return;
  world = await startWorld({ own: true });
  laptop = await startLaptop(world);
});
after(async () => {
  await laptop?.close();
  await world?.close();
});

const local = (channel) => `${laptop.names.channel_prefix}${channel}`;
const cloudUrl = (channel) => `${world.server.url}/${local(channel)}`;

/** Waits until the device sees that document in the cloud's database. */
function seenInCloud(channel, id, when = () => true) {
  return waitFor(async () => {
    const { status, body } = await phone.request(`${cloudUrl(channel)}/${id}`);
    return status === 200 && when(body) && body;
  }, { timeout: LONG, what: `${id} in the cloud` })
    .catch((error) => { throw new Error(`${error.message}\n${laptop.daemon.output}`); });
}

/** As a device of the person, in the cloud. */
async function setSubscription(channel, state) {
  const id = `${channel}-sub-${phone.user}`;
  const doc = await world.get(phone, id);
  const { status, text } = await world.put(phone, { ...doc, state });
  assert.equal(status, 201, text);
}

/** Waits until status says that all is well; gives it. */
function allRunning() {
  return waitFor(async () => {
    const now = await laptop.status();
    return now.sync.length === channels.length + 1 && now.sync.every(({ push, pull }) => push?.state === 'running' && pull?.state === 'running') && now;
  }, { timeout: LONG, interval: 2000, what: 'all running' })
    .catch((error) => { throw new Error(`${error.message}\n${laptop.daemon.output}`); });
}

async function startCloudAgain() {
  await world.server.start();
  await waitUntilUp(world.server);
}

test('a pairing that cannot be is refused before anything is made', { skip }, async () => {
  const noUrl = await laptop.call('pair', '--cloud', 'sync.example.com', '--owner', ALICE);
  assert.equal(noUrl.code, 2);
  assert.match(noUrl.stderr, /--cloud must be the installation's public_url/);
  const login = await laptop.call('pair', '--cloud', 'https://me:secret@sync.example.com/', '--owner', ALICE);
  assert.equal(login.code, 2);
  assert.doesNotMatch(login.stderr, /me:secret/);
  const noAddress = await laptop.call('pair', '--cloud', world.server.url, '--owner', 'Alice');
  assert.equal(noAddress.code, 2);
  assert.match(noAddress.stderr, /--owner/);
  assert.equal(await laptop.pairing(), null);
  assert.equal(await laptop.status(), null);
  const nothing = await laptop.call('rotate');
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /this device is not active/);
});

test('registered while the cloud is away, a laptop goes on by itself when it is back', { skip }, async () => {
  await world.server.stop();
  const offline = await laptop.pair(ALICE, '--wait', '2');
  assert.equal(offline.code, 1, offline.stderr);
  assert.match(offline.stdout, /The registration is kept and sent later/);
  assert.match(offline.stderr, /The daemon goes on/);
  const kept = await laptop.pairing();
  assert.equal(kept.state, 'waiting');
  assert.match(kept.secret, /^[0-9a-f]{64}$/);
  await startCloudAgain();

  // Ctrl-C while it waits for the person, and the same call again.
  const waiting = laptop.startPairing(ALICE);
  await waitFor(() => /type this code: [A-Z]{4}-[A-Z]{4}/.test(waiting.output()), { timeout: LONG, what: 'the code' });
  waiting.child.kill('SIGINT');
  assert.deepEqual(await waiting.ended, { code: 1, signal: null });
  assert.match(waiting.output(), /the same call waits again/);

  const again = laptop.startPairing(ALICE);
  const pairing = await laptop.confirm(ALICE);
  assert.deepEqual(await again.ended, { code: 0, signal: null }, again.output());
  assert.match(again.output(), /This device is active/);
  assert.equal(pairing.device, kept.device);
  assert.equal((await laptop.pair('bob@example.com')).code, 1);

  control = `${laptop.names.control_prefix}${pairing.user}`;
  await laptop.replicates([control]);
  const copy = await laptop.seen(control, pairing.device, ({ state }) => state === 'active');
  assert.equal(copy.name, 'a laptop');
});

test('the secret is in the registry and the replicator of the laptop, and nowhere else', { skip }, async () => {
  const { secret } = await laptop.pairing();
  const places = [];
  for (const server of [world.server, laptop.server]) {
    const { body: names } = await server.request('/_all_dbs');
    for (const name of names) {
      const { text } = await server.request(`/${encodeURIComponent(name)}/_all_docs?include_docs=true`);
      if (text.includes(secret)) places.push(name);
    }
  }
  assert.deepEqual(places.sort(), ['_replicator', laptop.names.registry_db].sort());
  assert.ok(!laptop.daemon.output.includes(secret));
  for (const name of places) assert.equal((await request(`${laptop.server.url}/${name}/_all_docs`)).status, 401);
});

test('all channels of its person are on the laptop, and what is written on either side arrives on the other', { skip }, async () => {
  phone = await world.activate(world.device(ALICE));
  for (let n = 0; n < 3; n += 1) channels.push((await world.makeChannel(phone))._id);
  await laptop.replicates([control, ...channels.map(local)]);
  for (const channel of channels) {
    await phone.request(`${cloudUrl(channel)}/from-phone`, { method: 'PUT', body: { n: 1 } });
    await laptop.seen(local(channel), 'from-phone');
    await laptop.seen(local(channel), 'description');
    await laptop.put(local(channel), { _id: 'from-laptop', n: 2 });
    await seenInCloud(channel, 'from-laptop');
  }
});

test('an attachment of 20 MB comes by way of the laptop, byte by byte', { skip }, async () => {
  const bytes = randomBytes(20 * 1024 * 1024);
  const film = (url) => fetch(`${url}/film/film.mp4`, { method: 'PUT', headers: { ...basicAuth(laptop.server), 'content-type': 'video/mp4' }, body: bytes });
  assert.equal((await film(`${laptop.server.url}/${local(channels[0])}`)).status, 201);
  await seenInCloud(channels[0], 'film');
  const there = await fetch(`${cloudUrl(channels[0])}/film/film.mp4`, { headers: basicAuth(phone.auth) });
  assert.ok(bytes.equals(Buffer.from(await there.arrayBuffer())));
});

test('a channel that is made on the laptop has its database at once, and comes to the other devices', { skip }, async () => {
  const channel = newChannelId();
  await laptop.put(control, { _id: channel, type: 'channel', state: 'new', name: 'made on the laptop' });
  await waitFor(() => laptop.exists(local(channel)), { timeout: LONG, what: 'its database' });
  await laptop.put(local(channel), { _id: 'early', n: 1 });
  channels.push(channel);
  await laptop.seen(control, channel, ({ state }) => state === 'ready');
  await laptop.replicates([control, ...channels.map(local)]);
  await seenInCloud(channel, 'early');
});

test('status says how each replication stands', { skip }, async () => {
  const status = await allRunning();
  assert.equal(status.log_in, 'taken');
  assert.equal(status.state, 'active');
  const { stdout } = await laptop.call('status');
  assert.match(stdout, new RegExp(`${local(channels[0])} active, push running, pull running`));
  const { secret, local_secret: localSecret } = await laptop.pairing();
  assert.ok(!stdout.includes(secret) && !stdout.includes(localSecret) && !JSON.stringify(status).includes(secret));
});

test('a subscription that is paused or stopped ends its replications, an active one begins them again', { skip }, async () => {
  await setSubscription(channels[0], 'paused');
  await setSubscription(channels[1], 'stopped');
  await laptop.replicates([control, ...channels.slice(2).map(local)]);
  await setSubscription(channels[0], 'active');
  await setSubscription(channels[1], 'active');
  await laptop.replicates([control, ...channels.map(local)]);
});

test('a replication that somebody deleted or changed comes back, and others in _replicator are left alone', { skip }, async () => {
  const other = { _id: 'a-replication-of-mine', source: 'http://127.0.0.1:1/a', target: 'http://127.0.0.1:1/b' };
  await laptop.put('_replicator', other);
  const [first, second] = await laptop.replications();
  await laptop.put('_replicator', { ...first, _deleted: true });
  await laptop.put('_replicator', { ...second, source: other.source });
  await waitFor(async () => {
    const [one, two] = await Promise.all([first, second].map(({ _id }) => laptop.get('_replicator', _id)));
    return one && two?.source.url === second.source.url;
  }, { timeout: LONG, what: 'both being as they were' });
  assert.ok(await laptop.get('_replicator', other._id));
});

test('when the cloud restarts in the middle, or is away for long, sync goes on', { skip }, async () => {
  await world.server.kill();
  await laptop.put(local(channels[2]), { _id: 'while-away', n: 1 });
  await waitFor(async () => (await laptop.status()).log_in === 'unreachable', { timeout: LONG });
  await startCloudAgain();
  await seenInCloud(channels[2], 'while-away');
  await phone.request(`${cloudUrl(channels[2])}/after`, { method: 'PUT', body: { n: 1 } });
  await laptop.seen(local(channels[2]), 'after');
  await allRunning();
});

test('a replication that crashes is begun anew, and what was in its way here is put right', { skip }, async () => {
  const [shut, gone] = [local(channels[0]), local(channels[1])];
  const begun = laptop.daemon.output.length;
  await laptop.server.request(`/${shut}/_security`, { method: 'PUT', body: { admins: { roles: ['_admin'] }, members: { roles: ['somebody-else'] } } });
  assert.equal((await laptop.server.request(`/${gone}`, { method: 'DELETE' })).status, 200);
  await phone.request(`${cloudUrl(channels[0])}/while-shut`, { method: 'PUT', body: { n: 1 } });
  await waitFor(() => new RegExp('restarting channels-[0-9a-f]{32}-(pull|push), which is (crashing|failed|error)').test(laptop.daemon.output.slice(begun)), { timeout: 300000, what: 'a restart' })
    .catch((error) => { throw new Error(`${error.message}\n${laptop.daemon.output.slice(begun)}`); });
  await laptop.seen(shut, 'while-shut');
  await laptop.seen(gone, 'from-phone');
  await laptop.seen(gone, 'from-laptop');
  await allRunning();
});

test('the program is killed and started again without anything being made anew', { skip }, async () => {
  const before = (await laptop.replications()).map(({ _id, _rev }) => `${_id} ${_rev}`);
  await laptop.daemon.kill();
  await laptop.daemon.restart();
  const channel = (await world.makeChannel(phone))._id;
  channels.push(channel);
  await laptop.replicates([control, ...channels.map(local)]);
  const now = new Set((await laptop.replications()).map(({ _id, _rev }) => `${_id} ${_rev}`));
  assert.deepEqual(before.filter((entry) => !now.has(entry)), []);
});

/** Whether the cloud takes that secret as the laptop's. */
async function logsIn({ device }, secret) {
  const { status } = await request(`${world.server.url}/${control}`, { auth: { user: `device-${device}`, password: secret } });
  return status === 200;
}

const rotated = (number) => waitFor(async () => {
  const pairing = await laptop.pairing();
  return pairing.rotation === number && !pairing.next && pairing;
}, { timeout: LONG, what: `the secret number ${number}` }).catch((error) => { throw new Error(`${error.message}\n${laptop.daemon.output}`); });

async function stillInSync(id) {
  await laptop.replicates([control, ...channels.map(local)]);
  await phone.request(`${cloudUrl(channels[0])}/${id}-down`, { method: 'PUT', body: { n: 1 } });
  await laptop.put(local(channels[0]), { _id: `${id}-up`, n: 1 });
  await laptop.seen(local(channels[0]), `${id}-down`);
  await seenInCloud(channels[0], `${id}-up`);
}

test('a call gives the laptop another secret, with which sync goes on; the old one is refused', { skip }, async () => {
  const old = await laptop.pairing();
  const { code, stdout, stderr } = await laptop.call('rotate');
  assert.equal(code, 0, `${stdout}${stderr}\n${laptop.daemon.output}`);
  assert.match(stdout, /The new secret is in use/);
  const now = await rotated(1);
  assert.notEqual(now.secret, old.secret);
  assert.ok(await logsIn(now, now.secret));
  assert.equal(await logsIn(now, old.secret), false);
  await stillInSync('rotated');
  for (const secret of [old.secret, now.secret]) assert.ok(!laptop.daemon.output.includes(secret) && !stdout.includes(secret));
});

test('killed at any moment of a change, one of two secrets is taken, and the change goes on', { skip }, async () => {
  let number = 1;
  for (const delay of [0, 500, 2000, 4000]) {
    number += 1;
    const begun = await laptop.call('rotate', '--wait', '0');
    assert.ok(begun.code === 1 && /Both secrets are kept/.test(begun.stderr), begun.stderr);
    const { next: made = null } = await laptop.pairing();
    await sleep(delay);
    await laptop.daemon.kill();
    const held = await laptop.pairing();
    // No more wrong passwords than needed: CouchDB locks a name after five.
    const { body: asked } = await request(`${world.handshake}/rotate-${held.device}-${number}`);
    const both = [held.secret, held.next?.secret ?? made.secret];
    if (asked.state === 'done') both.reverse();
    assert.ok(await logsIn(held, both[0]) || await logsIn(held, both[1]), `after ${delay} ms`);
    await laptop.daemon.restart();
    await rotated(number);
  }
  await stillInSync('rotated-again');
});

test('a change whose answer never came is noticed by the refused log-in', { skip }, async () => {
  const { rotation: before = 0 } = await laptop.pairing();
  await laptop.daemon.kill();
  await laptop.endReplications();
  await laptop.call('rotate', '--wait', '0');
  const { device, secret, next } = await laptop.pairing();
  const doc = { _id: `rotate-${device}-${next.number}`, type: 'rotate', state: 'new', credential: next.credential };
  const url = `${world.handshake}/${doc._id}`;
  assert.equal((await request(url, { method: 'PUT', body: doc, auth: { user: `device-${device}`, password: secret } })).status, 201);
  const done = await waitFor(async () => {
    const { body } = await request(url);
    return body.state === 'done' && body;
  }, { timeout: LONG });
  const purged = await world.server.request(`/${world.daemon.names.handshake_db}/_purge`, { method: 'POST', body: { [doc._id]: [done._rev] } });
  assert.equal(purged.status, 201, purged.text);
  await laptop.daemon.restart();
  const now = await rotated(before + 1);
  assert.equal(now.secret, next.secret);
  await stillInSync('noticed');
});

test('a change that is asked for while the cloud is away waits for it', { skip }, async () => {
  const { rotation } = await laptop.pairing();
  await world.server.stop();
  const offline = await laptop.call('rotate', '--wait', '5');
  assert.equal(offline.code, 1);
  assert.match(offline.stderr, /Both secrets are kept and the daemon goes on/);
  await startCloudAgain();
  await rotated(rotation + 1);
  await stillInSync('after-the-wait');
  assert.equal((await laptop.call('rotate', '--wait', 'x')).code, 2);
});

test('a laptop carries a phone\'s registration to the cloud and the answer back, and only that', { skip }, async () => {
  const carried = world.device('carol@example.com', { handshake: laptop.handshake });
  assert.equal((await carried.register()).status, 201);
  await world.register(Object.assign(Object.create(Object.getPrototypeOf(carried)), carried, { register: async () => ({ status: 201 }) }))
    .then((device) => Object.assign(carried, { link: device.link, deviceCode: device.deviceCode }));
  const answered = await world.confirm(world.confirmOf(carried));
  assert.equal(answered.state, 'used');
  const active = await carried.waitFor('active', { timeout: LONG });
  assert.equal((await carried.request(active.syncpoint)).status, 200);
  // The copy that says so is the cloud's own revision: nothing was written over it.
  const { body: cloudCopy } = await request(`${world.handshake}/${carried.id}`);
  assert.equal(cloudCopy._rev, active._rev);
  const copies = await laptop.server.request(`/${laptop.names.handshake_db}/_all_docs`);
  assert.ok(!copies.text.includes(phone.id), 'other registrations stay in the cloud');
});

test('a syncpoint that another device bent gets no password', { skip }, async () => {
  const id = `${channels[0]}-sub-${phone.user}`;
  await world.server.stop();  // else the cloud would put it right at once
  const doc = await laptop.get(control, id);
  const evil = `http://127.0.0.1:1/evil-${channels[0]}`;
  await laptop.put(control, { ...doc, syncpoint: evil });
  await laptop.replicates([control, ...channels.slice(1).map(local)]);
  assert.match(laptop.daemon.output, new RegExp(`subscription of channel ${channels[0]} is not followed`));
  const { sync } = await laptop.status();
  assert.match(sync.find(({ channel }) => channel === channels[0]).refused, /is no database of this channel/);
  assert.ok(!JSON.stringify(await laptop.replications()).includes('evil'));
  await startCloudAgain();
  await laptop.replicates([control, ...channels.map(local)]);
});

async function revoke(device, wipe) {
  const doc = await world.get(phone, device);
  const { status, text } = await world.put(phone, { ...doc, state: 'revoke', wipe });
  assert.equal(status, 201, text);
}

test('a revoked laptop stops, forgets its secret, and keeps its copies unless its owner allowed a wipe', { skip }, async () => {
  const { device } = await laptop.pairing();
  await revoke(device, true);
  const pairing = await laptop.waitFor('revoked');
  assert.equal(pairing.secret, undefined);
  assert.equal(pairing.wipe_due, undefined);
  await laptop.replicates([]);
  assert.ok(await laptop.get(local(channels[0]), 'from-phone'));
  assert.equal((await laptop.status()).state, 'revoked');
});

test('`revoked` alone, while the log-in is still taken, is not believed; with both, a wipe that was allowed is done', { skip }, async () => {
  const waiting = laptop.startPairing(ALICE, '--allow-wipe');
  const { device } = await laptop.confirm(ALICE);
  assert.equal((await waiting.ended).code, 0);
  await laptop.replicates([control, ...channels.map(local)]);
  // A stranger in between can make the handshake say anything; the log-in he cannot refuse.
  await world.daemon.stop();  // it would put that right
  const { body: said } = await request(`${world.handshake}/${device}`);
  await world.server.request(`/${world.daemon.names.handshake_db}/${device}`, { method: 'PUT', body: { ...said, state: 'revoked', wipe: true } });
  await laptop.daemon.restart();  // looks at once
  await sleep(10000);
  assert.equal((await laptop.status()).log_in, 'taken');
  assert.equal((await laptop.pairing()).state, 'active');
  world.daemon.start();
  await world.daemon.waitUntilReady();

  await revoke(device, true);
  await laptop.waitFor('revoked');
  await waitFor(async () => !await laptop.exists(control), { timeout: LONG, what: 'the wipe' });
  for (const channel of channels) assert.ok(!await laptop.exists(local(channel)));
  await waitFor(async () => (await laptop.pairing()).wiped, { timeout: LONG });
  await laptop.replicates([]);
});

test('on a device nothing of the cloud\'s work is done', { skip }, async () => {
  const { body } = await laptop.server.request(`/${laptop.names.registry_db}/_all_docs`);
  const made = body.rows.map(({ id }) => id).filter((id) => /^(user|device|address|channel|channelname|code)-/.test(id));
  assert.deepEqual(made, []);
  const { body: users } = await laptop.server.request('/_users/_all_docs');
  assert.deepEqual(users.rows.map(({ id }) => id).filter((id) => !id.startsWith('_design/')), ['org.couchdb.user:channels-replicator']);
});

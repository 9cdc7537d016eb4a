// What people do on a laptop and on a phone while neither reaches the cloud, and what then comes of it: both end alike, and nothing that was written
// is lost. The laptop is a CouchDB of its own with the program in role = device, the phone a PouchDB that replicates when told to.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { serverKind, waitUntilUp } from '../lib/couch_server.mjs';
import { startLaptop } from '../lib/laptop.mjs';
import { request, waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

const PouchDB = createRequire(import.meta.url)('pouchdb').plugin(createRequire(import.meta.url)('pouchdb-adapter-memory'));
const ALICE = 'alice@example.com';
const LONG = { timeout: 120000, interval: 500 };
const kind = serverKind({ own: true });
const skip = kind !== 'couchdb' && `needs two CouchDBs of its own, with a replicator; at hand is: ${kind}`;

let world;
let laptop;
let phone;
let pocket;  // the phone's copy of the control database
let control;
let photos;
let recipes;

before(async () => {
  if (skip) return;
  world = await startWorld({ own: true });
  laptop = await startLaptop(world);
  phone = await world.activate(world.device(ALICE));
  control = phone.control.split('/').pop();
  pocket = new PouchDB(`pocket-${process.pid}`, { adapter: 'memory' });
  const waiting = laptop.startPairing(ALICE);
  await laptop.confirm(ALICE);
  assert.equal((await waiting.ended).code, 0, waiting.output());
  photos = (await world.makeChannel(phone, { name: 'Photos' }))._id;
  recipes = (await world.makeChannel(phone, { name: 'Recipes' }))._id;
  await laptop.replicates([control, local(photos), local(recipes)]);
  for (const channel of [photos, recipes]) await laptop.seen(control, `${channel}-sub-${phone.user}`);
  await sync();
});
after(async () => {
  await pocket?.close();
  await laptop?.close();
  await world?.close();
});

const local = (channel) => `${laptop.names.channel_prefix}${channel}`;
const cloud = () => new PouchDB(phone.control, { skip_setup: true, auth: { username: phone.username, password: phone.secret } });

async function sync() {
  await pocket.replicate.to(cloud());
  await pocket.replicate.from(cloud());
}

async function startCloudAgain() {
  await world.server.start();
  await waitUntilUp(world.server);
}

const onPhone = async (id, change) => pocket.put({ ...await pocket.get(id), ...change });
const onLaptop = async (id, change) => {
  const { status, text } = await laptop.put(control, { ...await laptop.get(control, id), ...change });
  assert.equal(status, 201, text);
};
const subscriptionOf = (channel) => `${channel}-sub-${phone.user}`;

/** Every leaf of every document but the doorbell and design documents, as the answers to a whole feed have them. */
async function leavesAt(url, options) {
  const { body } = await request(`${url}/_changes?style=all_docs&include_docs=true`, options);
  return body.results.filter(({ id }) => id !== 'doorbell' && !id.startsWith('_')).map(({ id, changes, doc }) => [id, changes.map(({ rev }) => rev).sort(), doc.state, doc.name])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Cloud, laptop and phone have the same documents, leaf by leaf, and `when` holds for them. */
async function alike(when) {
  return waitFor(async () => {
    await sync();
    const there = await leavesAt(`${world.server.url}/${control}`, { auth: world.server });
    assert.deepEqual(await leavesAt(`${laptop.server.url}/${control}`, { auth: laptop.server }), there);
    const { results } = await pocket.changes({ style: 'all_docs', since: 0 });
    const here = results.filter(({ id }) => id !== 'doorbell' && !id.startsWith('_')).map(({ id, changes }) => [id, changes.map(({ rev }) => rev).sort()]).sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(here, there.map(([id, revs]) => [id, revs]));
    const docs = Object.fromEntries(await Promise.all(there.map(async ([id]) => [id, await laptop.get(control, id)])));
    assert.ok(when(docs), JSON.stringify(there));
    return docs;
  }, { ...LONG, what: 'equal control databases' }).catch((error) => { throw new Error(`${error.message}: ${error.cause?.message}\n${laptop.daemon.output}`); });
}

test('created, paused and renamed on both while the cloud is away: all end alike, and a channel made twice is one', { skip }, async () => {
  await world.server.stop();
  const [mine, theirs] = [newChannelId(), newChannelId()];
  await laptop.put(control, { _id: mine, type: 'channel', state: 'new', name: 'Vacation' });
  await waitFor(() => laptop.exists(local(mine)), LONG);
  await laptop.put(local(mine), { _id: 'from-laptop', text: 'sea' });
  await onLaptop(subscriptionOf(recipes), { state: 'paused' });
  await onLaptop(photos, { name: 'Pictures' });
  await pocket.put({ _id: theirs, type: 'channel', state: 'new', name: 'Vacation' });
  await onPhone(subscriptionOf(recipes), { state: 'stopped' });
  await onPhone(photos, { name: 'Images' });
  await startCloudAgain();

  const docs = await alike((all) => all[mine]?.state !== 'new' && all[theirs]?.state !== 'new' && !all[subscriptionOf(recipes)].name
    && ['paused', 'stopped'].includes(all[subscriptionOf(recipes)].state) && [mine, theirs].some((id) => all[id]?.state === 'ready'));
  const [first, second] = docs[mine].state === 'ready' ? [mine, theirs] : [theirs, mine];
  assert.deepEqual([docs[second].state, docs[second].error.error, docs[second].channel], ['error', 'duplicate', first]);
  assert.ok(['Pictures', 'Images'].includes(docs[photos].name));
  await waitFor(async () => !(await laptop.replications()).some(({ channels }) => channels.database === local(recipes)), LONG);

  // What was written on the laptop is in the channel that all have, whichever of the two that is; and what comes later, too.
  const inCloud = (id) => waitFor(async () => (await phone.request(`${world.server.url}/${local(first)}/${id}`)).status === 200, { ...LONG, what: `${id} in the cloud` })
    .catch((error) => { throw new Error(`${error.message}\n${laptop.daemon.output}`); });
  await inCloud('from-laptop');
  await laptop.put(local(mine), { _id: 'later', text: 'by the name from before' });
  await inCloud('later');
  await phone.request(`${world.server.url}/${local(first)}/from-phone`, { method: 'PUT', body: { n: 1 } });
  await laptop.seen(local(mine), 'from-phone');
});

test('a second channel of a name that the cloud has already is joined with the first', { skip }, async () => {
  const second = newChannelId();
  await laptop.put(control, { _id: second, type: 'channel', state: 'new', name: 'Recipes' });
  await waitFor(() => laptop.exists(local(second)), LONG);
  await laptop.put(local(second), { _id: 'bread', text: 'flour' });
  await laptop.seen(control, second, ({ state }) => state === 'error');
  await laptop.put(control, { ...await laptop.get(control, subscriptionOf(recipes)), state: 'active' });
  await waitFor(async () => (await phone.request(`${world.server.url}/${local(recipes)}/bread`)).status === 200, { ...LONG, what: 'bread in the cloud' });
  const { sync: rows } = await laptop.status();
  assert.equal(rows.find(({ channel }) => channel === second).joined, local(recipes));
  assert.equal((await request(`${world.server.url}/${local(second)}`, { auth: world.server })).status, 404);
});

test('control documents that come by way of the laptop, and then again from the phone itself, are handled once', { skip }, async () => {
  await world.server.stop();
  const channel = newChannelId();
  // From the phone to the laptop in the same network, before either reaches the cloud.
  await pocket.put({ _id: channel, type: 'channel', state: 'new', name: 'Garden' });
  const [{ doc }] = (await pocket.allDocs({ keys: [channel], include_docs: true })).rows;
  const { _revisions } = await pocket.get(channel, { revs: true });
  const carried = await laptop.server.request(`/${control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [{ ...doc, _revisions }] } });
  assert.equal(carried.status, 201);
  await waitFor(() => laptop.exists(local(channel)), LONG);
  await laptop.put(local(channel), { _id: 'tulip' });
  await startCloudAgain();
  await waitFor(async () => (await world.get(phone, channel))?.state === 'ready', { ...LONG, what: 'the channel' });
  const before = await world.get(phone, channel);
  await sync();  // the phone's own copy, once more
  await sync();
  const docs = await alike((all) => all[channel].state === 'ready');
  assert.equal(docs[channel]._rev, before._rev, 'nothing was done twice');
  await waitFor(async () => (await phone.request(`${world.server.url}/${local(channel)}/tulip`)).status === 200, { ...LONG, what: 'tulip in the cloud' });
});

/** The file of a database with one shard, on the laptop or in the cloud. */
function fileOf(database, server = laptop.server) {
  const folder = join(server.dir, 'data/shards/00000000-ffffffff');
  return join(folder, readdirSync(folder).find((file) => file.startsWith(`${database}.`) && file.endsWith('.couch')));
}

test('a laptop put back from an old backup catches up, and takes nothing back', { skip }, async () => {
  const files = [control, local(photos), local(recipes)];
  await laptop.put(local(photos), { _id: 'in-the-backup', n: 1 });
  await waitFor(async () => (await phone.request(`${world.server.url}/${local(photos)}/in-the-backup`)).status === 200, LONG);
  await laptop.server.stop();
  for (const name of files) copyFileSync(fileOf(name), `${fileOf(name)}.copy`);
  await laptop.server.start();
  await waitUntilUp(laptop.server);

  const film = (await world.makeChannel(phone, { name: 'Films' }))._id;
  await laptop.seen(control, subscriptionOf(film));
  await laptop.put(local(photos), { _id: 'after-the-backup', n: 2 });
  await laptop.put(local(photos), { ...await laptop.get(local(photos), 'in-the-backup'), n: 2 });
  await waitFor(async () => (await phone.request(`${world.server.url}/${local(photos)}/in-the-backup`)).body.n === 2, LONG);
  await waitFor(async () => (await phone.request(`${world.server.url}/${local(photos)}/after-the-backup`)).status === 200, LONG);
  await sync();
  await onPhone(subscriptionOf(film), { state: 'paused' });
  await sync();
  await laptop.seen(control, subscriptionOf(film), ({ state }) => state === 'paused');

  await laptop.server.stop();
  for (const name of files) copyFileSync(`${fileOf(name)}.copy`, fileOf(name));
  await laptop.server.start();
  await waitUntilUp(laptop.server);
  await laptop.seen(local(photos), 'after-the-backup');
  await laptop.seen(local(photos), 'in-the-backup', ({ n }) => n === 2);
  const docs = await alike((all) => all[film]?.state === 'ready' && all[subscriptionOf(film)]?.state === 'paused');
  assert.equal(docs[photos].state, 'ready');
  // And what is written on it from now on goes out, though its seqs were used before.
  await laptop.put(local(photos), { _id: 'since-the-restore', n: 3 });
  await waitFor(async () => (await phone.request(`${world.server.url}/${local(photos)}/since-the-restore`)).status === 200, { ...LONG, what: 'what was written since' });
});

/** What CouchDB's own job has done for that database is in its checkpoints on both sides; gives their session. */
function checkpointed(database, direction) {
  const [from, to] = direction === 'pull' ? [world.server, laptop.server] : [laptop.server, world.server];
  return waitFor(async () => {
    const replication = (await laptop.replications()).find(({ channels }) => channels.database === database && channels.direction === direction);
    const { body: { id } } = await laptop.server.request(`/_scheduler/docs/_replicator/${replication._id}`);
    const { body: { update_seq: whole } } = await from.request(`/${database}`);
    const [there, here] = await Promise.all([from, to].map(async (server) => (await server.request(`/${database}/_local/${id.split('+')[0]}`)).body));
    const isWhole = there.source_last_seq && parseInt(there.source_last_seq, 10) === parseInt(whole, 10);
    return isWhole && here.source_last_seq === there.source_last_seq && here.session_id === there.session_id && here.session_id;
  }, { ...LONG, what: `the checkpoints of ${database}, ${direction}` });
}

const inCloud = (channel, id) => waitFor(async () => (await phone.request(`${world.server.url}/${local(channel)}/${id}`)).status === 200, { ...LONG, what: `${id} in the cloud` })
  .catch((error) => { throw new Error(`${error.message}\n${laptop.daemon.output}`); });
const putInCloud = (channel, id) => phone.request(`${world.server.url}/${local(channel)}/${id}`, { method: 'PUT', body: { id } });

test('a database put back from a copy of the running replication gets what came in between, on the laptop and in the cloud', { skip }, async () => {
  await putInCloud(photos, 'before-the-copy');
  await laptop.put(local(recipes), { _id: 'before-the-copy' });
  await laptop.seen(local(photos), 'before-the-copy');
  await inCloud(recipes, 'before-the-copy');
  const sessions = [await checkpointed(local(photos), 'pull'), await checkpointed(local(recipes), 'push')];
  const files = [fileOf(local(photos)), fileOf(local(recipes), world.server)];
  for (const file of files) copyFileSync(file, `${file}.copy`);
  for (const id of ['c', 'd', 'e']) {
    await putInCloud(photos, id);
    await laptop.put(local(recipes), { _id: id });
  }
  await laptop.seen(local(photos), 'e');
  await inCloud(recipes, 'e');
  assert.deepEqual([await checkpointed(local(photos), 'pull'), await checkpointed(local(recipes), 'push')], sessions, 'the copies are of the last session');

  await laptop.server.stop();
  await world.server.stop();
  for (const file of files) copyFileSync(`${file}.copy`, file);
  await startCloudAgain();
  assert.equal((await phone.request(`${world.server.url}/${local(recipes)}/c`)).status, 404);
  await laptop.server.start();
  await waitUntilUp(laptop.server);
  for (const id of ['c', 'd', 'e']) {
    await laptop.seen(local(photos), id);
    await inCloud(recipes, id);
  }
  assert.equal(await laptop.get(laptop.names.registry_db, 'put-back'), null);
});

test('the whole of the laptop\'s CouchDB put back from a copy of its running files catches up', { skip }, async () => {
  await putInCloud(photos, 'before-the-whole');
  await laptop.seen(local(photos), 'before-the-whole');
  const session = await checkpointed(local(photos), 'pull');
  const [data, copy] = [join(laptop.server.dir, 'data'), join(laptop.server.dir, 'copy')];
  cpSync(data, copy, { recursive: true });
  await putInCloud(photos, 'after-the-whole');
  await laptop.seen(local(photos), 'after-the-whole');
  await laptop.put(local(photos), { _id: 'lost-here' });
  await inCloud(photos, 'lost-here');
  assert.equal(await checkpointed(local(photos), 'pull'), session);

  await laptop.server.stop();
  rmSync(data, { recursive: true });
  cpSync(copy, data, { recursive: true });
  await laptop.server.start();
  await waitUntilUp(laptop.server);
  await laptop.seen(local(photos), 'after-the-whole');
  await laptop.seen(local(photos), 'lost-here');
});

test('a phone\'s registration waits on the laptop while the cloud is away, and is carried when it is back', { skip }, async () => {
  await world.server.stop();
  const guest = world.device('guest@example.com', { handshake: laptop.handshake });
  assert.equal((await guest.register()).status, 201);
  await new Promise((resolve) => setTimeout(resolve, 20000));  // some tries that fail
  assert.equal((await guest.read()).state, 'new');
  await startCloudAgain();
  await waitFor(async () => (await guest.read()).state !== 'new', { ...LONG, what: 'the answer' });
  await world.register(Object.assign(Object.create(Object.getPrototypeOf(guest)), guest, { register: async () => ({ status: 201 }) }))
    .then((device) => Object.assign(guest, { link: device.link, deviceCode: device.deviceCode }));
  assert.equal((await world.confirm(world.confirmOf(guest))).state, 'used');
  const active = await guest.waitFor('active', { timeout: 120000 });
  assert.equal((await guest.request(active.syncpoint)).status, 200);
  const { body } = await request(`${world.handshake}/${guest.id}?revs=true`);
  assert.equal(body._revisions.ids.at(-1), (await request(`${laptop.handshake}/${guest.id}?revs=true`)).body._revisions.ids.at(-1), 'one document, carried once');
});

test('at the end every database of the laptop is equal to the cloud\'s, document by document', { skip }, async () => {
  const whole = async (server, name) => {
    const { body } = await server.request(`/${name}/_changes?style=all_docs&include_docs=true`);
    return body.results.filter(({ id }) => !id.startsWith('_design/')).map(({ id, changes, doc }) => JSON.stringify([id, changes.map(({ rev }) => rev).sort(), Object.entries(doc).sort()])).sort();
  };
  const docs = await alike(() => true);
  const ready = Object.values(docs).filter(({ type, state, _id }) => type === 'channel' && state === 'ready' && docs[subscriptionOf(_id)].state === 'active').map(({ _id }) => local(_id));
  assert.ok(ready.length >= 4, `${ready.length} channels`);
  for (const name of [control, ...ready]) {
    await waitFor(async () => {
      assert.deepEqual(await whole(laptop.server, name), await whole(world.server, name));
      return true;
    }, { ...LONG, what: `equal copies of ${name}` });
  }
});

test('the cloud\'s operator is told how the laptop stands, by the laptop\'s own word', { skip }, async () => {
  const { device } = await laptop.pairing();
  const why = async (channel) => JSON.parse((await operatorCall(world.daemon, 'why', device, channel, '--json')).stdout);
  let last;
  await waitFor(async () => {
    last = await why('Recipes');
    return last.in_sync === true;
  }, { timeout: 300000, interval: 2000, what: 'in sync' }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(last)}`); });
  assert.ok(last.notes.some(({ reason }) => reason === 'seen'));
  assert.deepEqual((await why('Films')).trouble.map(({ reason }) => reason), ['paused']);
});

// The scenarios of docs/devices.md, on a real server, mail server and daemon: devices of three people in this process.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorld } from '../../../tests/lib/world.mjs';
import { randomBytes } from 'node:crypto';
import { Cable, PATIENT, assertSame, channelNamed, closeAll, confirmInMail, hasChannel, hasDoc, newDevice, newDisk, openDevice, request, waitFor } from './people.mjs';

let world;
const devices = [];
before(async () => { world = await startWorld(); });
after(async () => {
  await closeAll(devices);
  await world?.close();
});

async function device(owner, name, options) {
  const made = await newDevice(world, owner, name, options);
  devices.push(made);
  return made;
}

let phone;
let tablet;

test('first device: registered, confirmed by the code that it shows, active', async () => {
  phone = await device('alice@example.com', "Alice's phone");
  // `confirmed` is seen or not, as it happens.
  const states = phone.heard.states.filter((state, n, all) => state !== all[n - 1] && state !== 'confirmed');
  assert.deepEqual(states, ['waiting', 'new', 'confirming', 'active']);
  assert.match(phone.heard.codes[0], /^[B-Z]{4}-[B-Z]{4}$/);
  const photos = phone.channel('Photos');
  await photos.put({ _id: 'beach', text: 'sand' });
  await hasChannel(phone, 'Photos');
  await phone.sync();
  assert.deepEqual(phone.heard.errors, []);
});

test('second device: gets all channels, and their documents, by itself', async () => {
  tablet = await device('alice@example.com', "Alice's tablet");
  await hasChannel(tablet, 'Photos');
  await hasDoc(tablet.channel('Photos'), 'beach');
  await tablet.channel('Photos').put({ _id: 'answer', text: 'nice' });
  await hasDoc(phone.channel('Photos'), 'answer');
  assert.deepEqual(tablet.devices().map(({ name }) => name).sort(), ["Alice's phone", "Alice's tablet"]);
  assert.equal(await assertSame(world, 'Photos', [phone, tablet]), 3);
  assertTold(tablet, 'Photos');
});

/** An app's user interface heard of the channel, of what came and went, and that all was there in the end. */
function assertTold(device, name) {
  const { channels, syncs } = device.heard;
  assert.ok(channels.some((channel) => channel.name === name && channel.state === 'ready' && channel.subscription === 'active'), JSON.stringify(channels));
  const told = syncs.filter((channel) => channel.name === name);
  const said = JSON.stringify(told);
  assert.deepEqual(['syncing', 'synced'].filter((state) => !told.some(({ sync }) => sync === state)), [], said);
  assert.ok(told.some(({ pulled, pending }) => pulled > 0 && typeof pending === 'number'), said);
  assert.ok(told.some(({ pushed }) => pushed > 0), said);
  const { lastSynced } = told.filter(({ sync }) => sync === 'synced').at(-1);
  assert.ok(Math.abs(Date.now() - Date.parse(lastSynced)) < 120000 && new Date(lastSynced).toISOString() === lastSynced, said);
}

test('a channel made offline: there at once, in the cloud and on the others after the pairing; one that exists already is joined', async () => {
  const [disk, cable] = [newDisk(), new Cable()];
  cable.unplug();
  const options = { fetch: cable.fetch };
  let camera = await openDevice(world, disk, options);
  await camera.channel('Vacation').put({ _id: 'sea', text: 'blue' });
  const registered = camera.register({ owner: 'alice@example.com', name: "Alice's camera" });
  registered.catch(() => {});  // it is closed below
  await camera.channel('Photos').put({ _id: 'dunes', text: 'made offline' });
  assert.equal(camera.status.state, 'waiting');
  await camera.pause('Vacation');
  await camera.resume('Vacation');
  await camera.close();

  camera = await openDevice(world, disk, options);
  devices.push(Object.assign(camera, { disk, cable }));
  assert.equal((await camera.channel('Vacation').get('sea')).text, 'blue');
  const photos = camera.channel('Photos');
  cable.plug();
  camera.kick();
  await confirmInMail(world, camera, 'alice@example.com');
  await hasDoc(tablet.channel('Photos'), 'dunes');
  await hasChannel(tablet, 'Vacation');
  await hasDoc(tablet.channel('Vacation'), 'sea');
  await hasDoc(camera.channel('Photos'), 'beach');

  await photos.put({ _id: 'shells', text: 'by the handle from before' });
  await hasDoc(phone.channel('Photos'), 'shells');
  for (const each of [phone, tablet, camera]) assert.deepEqual(each.channels().map(({ name }) => name).sort(), ['Photos', 'Vacation']);
  assert.equal(await assertSame(world, 'Photos', [phone, tablet, camera]), 5);
  assert.equal(await assertSame(world, 'Vacation', [phone, tablet, camera]), 2);
});

test('pause on one device acts on all, and so does resuming', async () => {
  await tablet.pause('Vacation');
  await hasChannel(phone, 'Vacation', 'paused');
  await waitFor(() => channelNamed(phone, 'Vacation').sync === 'off', PATIENT);
  await phone.channel('Vacation').put({ _id: 'unsent', text: 'later' });
  await tablet.channel('Vacation').put({ _id: 'unsent too', text: 'later' });
  await phone.sync();
  await tablet.sync();
  await assert.rejects(tablet.channel('Vacation').get('unsent'), { status: 404 });
  await phone.resume('Vacation');
  await hasDoc(tablet.channel('Vacation'), 'unsent');
  await hasDoc(phone.channel('Vacation'), 'unsent too');
});

test('two devices that create, pause and rename offline end alike', async () => {
  for (const each of [phone, tablet]) each.cable.unplug();
  await phone.channel('Recipes').put({ _id: 'bread' });
  await tablet.channel('Recipes').put({ _id: 'soup' });
  await phone.pause('Vacation');
  await tablet.stop('Vacation');
  await phone.renameChannel('Photos', 'Pictures');
  await tablet.rename('The tablet');
  for (const each of [phone, tablet]) {
    each.cable.plug();
    each.kick();
  }
  await hasDoc(phone.channel('Recipes'), 'soup');
  await hasDoc(tablet.channel('Recipes'), 'bread');
  const views = await waitFor(async () => {
    const [first, second] = [phone, tablet].map((each) => JSON.stringify([
      each.channels().map(({ name, state, subscription }) => [name, state, subscription]).sort(), each.devices().map(({ name, state }) => [name, state]).sort()]));
    return first === second && first.includes('"Pictures"') && first.includes('"The tablet"') && !first.includes('"new"') && first;
  }, { ...PATIENT, what: 'equal channels and devices' });
  assert.match(views, /\["Vacation","ready","(paused|stopped)"\]/);
  assert.equal(await assertSame(world, 'Recipes', [phone, tablet]), 3);
  assert.equal(await assertSame(world, 'Pictures', [phone, tablet]), 5);
});

test('attachments of 20 MB', async () => {
  const bytes = randomBytes(20 * 1024 * 1024);
  await phone.channel('Pictures').put({ _id: 'film', _attachments: { 'film.mp4': { content_type: 'video/mp4', data: bytes } } });
  await hasDoc(tablet.channel('Pictures'), 'film');
  const there = await tablet.channel('Pictures').getAttachment('film', 'film.mp4');
  assert.ok(bytes.equals(there));
  assert.equal(await assertSame(world, 'Pictures', [phone, tablet]), 6);
});

test('two users never see each other\'s data', async () => {
  const bob = await device('bob@example.com', "Bob's phone");
  await bob.channel('Photos').put({ _id: 'mine', text: 'of Bob' });
  await hasChannel(bob, 'Photos');
  await bob.sync();
  assert.deepEqual(bob.channels().map(({ name }) => name), ['Photos']);
  assert.deepEqual((await bob.channel('Photos').allDocs()).rows.map(({ id }) => id).sort(), ['_design/channels', 'description', 'mine']);
  const auth = await secretOf(bob);
  await trespass(auth);
  await assert.rejects(phone.channel('Pictures').get('mine'), { status: 404 });
});

/** The log-in that the device keeps to itself. */
async function secretOf(thief) {
  const home = new thief.disk.PouchDB('channels-device');
  const { record: { username, secret } } = await home.get('_local/device');
  return { user: username, password: secret };
}

/** Everything of Alice's that a device of another user may try, database by database, document by document. */
async function trespass(auth) {
  const tag = world.daemon.names.handshake_db.split('-')[0];
  const { body: all } = await world.server.request('/_all_dbs');
  const tried = all.filter((name) => name.startsWith(tag) && name !== world.daemon.names.handshake_db);
  let open = 0;
  // The embedded server's _users answers some of these routes otherwise (tests/README.md); its control databases and channels don't.
  for (const name of [...tried, ...(world.server.embedded ? [] : ['_users'])]) {
    const url = `${world.server.url}/${name}`;
    const { status } = await request(url, { auth });
    if (status === 200 && name !== '_users') {
      open += 1;
      continue;
    }
    const { body: { rows } } = await world.server.request(`/${name}/_all_docs`);
    const own = `org.couchdb.user:${auth.user}`;
    const paths = ['_all_docs', '_changes', '_security', '_local_docs', '_design/channels', ...rows.map(({ id }) => encodeURIComponent(id)).filter((id) => decodeURIComponent(id) !== own)];
    for (const path of paths) {
      const answer = await request(`${url}/${path}`, { auth });
      assert.ok([401, 403, 404].includes(answer.status), `GET ${name}/${path}: ${answer.status}`);
    }
    for (const [method, path, body] of [['PUT', 'x', {}], ['POST', '_bulk_docs', { docs: [{ _id: 'x' }] }], ['PUT', '_local/x', {}], ['POST', '_find', { selector: {} }], ['PUT', '_security', {}], ['DELETE', '', undefined]]) {
      const answer = await request(`${url}/${path}`, { method, body, auth });
      assert.ok([401, 403, 404].includes(answer.status), `${method} ${name}/${path}: ${answer.status}`);
    }
  }
  assert.equal(open, 2, 'Bob\'s own control database and channel');
  assert.ok(tried.length >= 6, `there was something to try: ${tried.length}`);
}

let busy = 0;  // how many were written meanwhile

test('revoked while replicating: told plainly, the data stays, nothing more comes or goes', async () => {
  const stolen = tablet;
  const writing = (async () => {
    for (; stolen.status.state === 'active' && busy < 2000; busy += 1) await phone.channel('Pictures').put({ _id: `busy-${busy}`, text: 'x'.repeat(1000) });
  })();
  await hasDoc(stolen.channel('Pictures'), 'busy-20');
  const auth = await secretOf(stolen);
  await phone.revoke(stolen.id, { wipe: true });
  await waitFor(() => stolen.heard.revoked.length > 0, { ...PATIENT, what: 'being told' });
  await writing;
  assert.deepEqual(stolen.heard.revoked, [{ wipe: true, wiped: false }], 'the app had not allowed that');
  assert.equal(stolen.status.state, 'revoked');
  assert.equal((await request(`${world.server.url}/_session`, { auth })).status, 401);
  await phone.channel('Pictures').put({ _id: 'after', text: 'not for the thief' });
  await phone.sync();
  assert.equal((await stolen.channel('Pictures').get('beach')).text, 'sand');
  await assert.rejects(stolen.channel('Pictures').get('after'), { status: 404 });
  await waitFor(() => phone.devices().find(({ id }) => id === stolen.id).state === 'revoked', PATIENT);
});

test('at the end all copies are equal, document by document', async () => {
  const camera = devices.find((each) => each.status.name === "Alice's camera");
  const copy = await device('alice@example.com', "Alice's new tablet");
  await waitFor(() => copy.channels().length === phone.channels().length, { ...PATIENT, what: 'all channels' });
  const active = phone.channels().filter(({ subscription }) => subscription === 'active').map(({ name }) => name);
  assert.ok(active.includes('Pictures') && active.includes('Recipes'), active.join());
  for (const name of active) {
    await hasChannel(copy, name);
    await hasChannel(camera, name);
    await assertSame(world, name, [phone, camera, copy]);
  }
  const { rows } = await copy.channel('Pictures').allDocs({ startkey: 'busy-', endkey: 'busy-\uffff' });
  assert.equal(rows.length, busy, 'no document was lost');
  assert.ok(busy > 20);
  for (const each of devices) assert.deepEqual(each.heard.errors.map(({ reason }) => reason), [], each.status.name);
});

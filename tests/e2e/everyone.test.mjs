// All parties at once: a cloud, and of one person a laptop's own CouchDB with the program in role = device, a device in
// headless Chromium and one in this process; beside her two others, each with a device. All write at the same time into
// channels of the same name, go offline, and see the cloud restart; at the end all copies of a channel are equal, document
// by document, nothing is lost, and nobody has another's. The scenarios one by one: clients/pouchdb/test, laptop*.test.mjs.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { serverKind, waitUntilUp } from '../lib/couch_server.mjs';
import { startLaptop } from '../lib/laptop.mjs';
import { waitFor } from '../lib/net.mjs';
import { cors } from '../lib/static_server.mjs';
import { startWorld } from '../lib/world.mjs';
import { assertSame, channelNamed, closeAll, contentOf, contentOfDatabase, hasChannel, hasDoc, newDevice } from '../../clients/pouchdb/test/people.mjs';
import { skipReason, startTabs } from '../../clients/pouchdb/test/tab.mjs';

const [ALICE, BOB, CAROL] = ['alice@example.com', 'bob@example.com', 'carol@example.com'];
const LONG = { timeout: 120000, interval: 500 };
const EACH = 100;
const kind = serverKind({ own: true });
const skip = kind !== 'couchdb' ? `needs two CouchDBs of its own, with a replicator; at hand is: ${kind}` : skipReason;

let world;
let laptop;
let tabs;
let alice;  // her tab
let carol;  // likewise
let node;   // Alice's device in this process
let bob;
let photos; // the channel's database, by the same name on the laptop and in the cloud

before(async () => {
  if (skip) return;
  world = await startWorld({ own: true, config: cors });
  laptop = await startLaptop(world);
  tabs = await startTabs(world);
});
after(async () => {
  await closeAll([node, bob]);
  await tabs?.close();
  await laptop?.close();
  await world?.close();
});

const docs = (writer) => Array.from({ length: EACH }, (_, n) => ({ _id: `${writer}-${n}`, n }));

async function write(database, writer) {
  for (const doc of docs(writer)) await database.put(doc);
}

async function writeOnLaptop(writer) {
  for (const doc of docs(writer)) assert.equal((await laptop.put(photos, doc)).status, 201);
}

/** The last document of each writer is with all of Alice's. */
async function arrived(...writers) {
  for (const id of writers.map((writer) => `${writer}-${EACH - 1}`)) {
    await hasDoc(node.channel('Photos'), id);
    await alice.hasDoc('Photos', id);
    await laptop.seen(photos, id);
  }
}

test('three people register five devices of three kinds', { skip }, async () => {
  node = await newDevice(world, ALICE, "Alice's phone");
  alice = await tabs.newTab("Alice's browser");
  await alice.pair(ALICE);
  const pairing = laptop.startPairing(ALICE);
  await laptop.confirm(ALICE);
  assert.equal((await pairing.ended).code, 0, pairing.output());
  bob = await newDevice(world, BOB, "Bob's phone");
  carol = await tabs.newTab("Carol's browser");
  await carol.pair(CAROL);
  await waitFor(() => node.devices().filter(({ state }) => state === 'active').length === 3, { ...LONG, what: 'three devices of Alice' });
  assert.equal(bob.devices().length, 1);
});

test('what each writes is on all devices of its person', { skip }, async () => {
  await node.channel('Photos').put({ _id: 'first' });
  photos = `${laptop.names.channel_prefix}${(await hasChannel(node, 'Photos')).id}`;
  await laptop.seen(photos, 'first');
  await alice.hasDoc('Photos', 'first');
  await Promise.all([
    write(node.channel('Photos'), 'phone'), alice.putAll('Photos', docs('browser')), writeOnLaptop('laptop'),
    write(bob.channel('Photos'), 'bob'), carol.putAll('Photos', docs('carol')),
  ]);
  await arrived('phone', 'browser', 'laptop');
});

test('offline all go on; the cloud restarts; then all is everywhere', { skip }, async () => {
  node.cable.unplug();
  await alice.reload({ offline: true });
  await Promise.all([write(node.channel('Photos'), 'phone-offline'), alice.putAll('Photos', docs('browser-offline')), writeOnLaptop('laptop-meanwhile')]);
  await world.server.kill();
  await writeOnLaptop('laptop-offline');
  node.cable.plug();
  await alice.context.setOffline(false);
  await world.server.start();
  await waitUntilUp(world.server);
  node.kick();
  await arrived('phone-offline', 'browser-offline', 'laptop-meanwhile', 'laptop-offline');
});

test('at the end all copies are equal, document by document, and each has its person\'s alone', { skip }, async () => {
  const count = await assertSame(world, 'Photos', [node]);
  assert.equal(count, 7 * EACH + 2, 'all of Alice\'s, the first one and the description');
  const cloud = await contentOf(`${world.server.url}/${photos}`, { auth: { username: world.server.user, password: world.server.password } });
  await alice.sync('Photos');
  assert.deepEqual(await alice.content('Photos'), cloud);
  await waitFor(async () => {
    assert.deepEqual(await contentOf(`${laptop.server.url}/${photos}`, { auth: { username: laptop.server.user, password: laptop.server.password } }), cloud);
    return true;
  }, { ...LONG, what: 'the laptop\'s copy' });

  await hasChannel(bob, 'Photos');
  assert.equal(await assertSame(world, 'Photos', [bob]), EACH + 1);
  assert.notEqual(channelNamed(bob, 'Photos').id, channelNamed(node, 'Photos').id);
  await carol.sync('Photos');
  const hers = await carol.content('Photos');
  assert.equal(hers.length, EACH + 1);
  for (const line of hers) assert.match(line, /^\["(carol-|description)/);
  for (const tab of [alice, carol]) assert.deepEqual(await tab.errors(), []);
});

test('and so are the control databases, but for the doorbell, which is the cloud\'s alone', { skip }, async () => {
  const auth = ({ user, password }) => ({ auth: { username: user, password } });
  const nameOf = (user) => `${world.daemon.names.control_prefix}${user}`;
  const lasting = (lines) => lines.filter((line) => !line.startsWith('["doorbell"'));
  const of = { Alice: node.status.user, Bob: bob.status.user, Carol: (await carol.status()).user };
  const copies = {
    "Alice's phone": [of.Alice, () => contentOfDatabase(new node.disk.PouchDB('channels-control'))],
    "Alice's browser": [of.Alice, () => alice.controlContent()],
    "Alice's laptop": [of.Alice, () => contentOf(`${laptop.server.url}/${nameOf(of.Alice)}`, auth(laptop.server))],
    "Bob's phone": [of.Bob, () => contentOfDatabase(new bob.disk.PouchDB('channels-control'))],
    "Carol's browser": [of.Carol, () => carol.controlContent()],
  };
  for (const [whose, [user, read]] of Object.entries(copies)) {
    await waitFor(async () => {
      const cloud = lasting(await contentOf(`${world.server.url}/${nameOf(user)}`, auth(world.server)));
      assert.ok(cloud.length >= 3, 'a device, a channel, a subscription');
      assert.deepEqual(lasting(await read()), cloud);
      return true;
    }, { ...LONG, what: `the control database of ${whose}` }).catch((error) => { throw new Error(`${error.message}: ${error.cause?.message}`); });
  }
});

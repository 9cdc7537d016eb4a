// A phone that does not reach the cloud, and a laptop in the same network: a device with this plug-in and a CouchDB with the program in role = device.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { serverKind, waitUntilUp } from '../../../tests/lib/couch_server.mjs';
import { startLaptop } from '../../../tests/lib/laptop.mjs';
import { startWorld } from '../../../tests/lib/world.mjs';
import { PATIENT, PouchDB, assertSame, channelNamed, closeAll, hasChannel, hasDoc, newDevice, waitFor } from './people.mjs';

const ALICE = 'alice@example.com';
const LOG_IN = { username: 'alice', password: 'of the laptop' };
const kind = serverKind({ own: true });
const skip = kind !== 'couchdb' && `needs two CouchDBs of its own, with a replicator; at hand is: ${kind}`;

let world;
let laptop;
let phone;
let tablet;
let toCloud = true;  // whether the phone reaches it
let user;

before(async () => {
  if (skip) return;
  world = await startWorld({ own: true });
  laptop = await startLaptop(world);
  const fetch = (url, options) => {
    if (!toCloud && String(url).startsWith(world.server.url)) throw new TypeError('the network is unreachable');
    return PouchDB.fetch(url, options);
  };
  phone = await newDevice(world, ALICE, "Alice's phone", { fetch });
  tablet = await newDevice(world, ALICE, "Alice's tablet");
  ({ user } = phone.status);
  const pairing = laptop.startPairing(ALICE);
  await laptop.confirm(ALICE);
  assert.equal((await pairing.ended).code, 0, pairing.output());
  const { status } = await laptop.put('_users', { _id: 'org.couchdb.user:alice', type: 'user', name: LOG_IN.username, password: LOG_IN.password, roles: [`user:${user}`] });
  assert.equal(status, 201);
  await phone.channel('Photos').put({ _id: 'beach' });
  const { id } = await hasChannel(phone, 'Photos');
  await laptop.seen(local(id), 'beach');
});
after(async () => {
  await closeAll([phone, tablet]);
  await laptop?.close();
  await world?.close();
});

const local = (id) => `${laptop.names.channel_prefix}${id}`;
const exchange = (more = {}) => phone.exchange({
  url: laptop.server.url, ...LOG_IN, controlPrefix: laptop.names.control_prefix, channelPrefix: laptop.names.channel_prefix, ...more,
});

test('a laptop carries the phone\'s channels, choices and documents to the cloud', { skip }, async () => {
  toCloud = false;
  phone.kick();
  await waitFor(() => !phone.status.online, { ...PATIENT, what: 'being offline' });
  await phone.channel('Garden').put({ _id: 'tulip' });
  await phone.channel('Photos').put({ _id: 'dunes' });
  await phone.renameChannel('Photos', 'Pictures');
  const done = await exchange();
  const garden = channelNamed(phone, 'Garden').id;
  assert.deepEqual(Object.values(done.channels).filter(({ error }) => error), []);
  assert.ok(done.control.pushed >= 2 && done.channels[garden].pushed === 1, JSON.stringify(done));

  await hasChannel(tablet, 'Garden');
  await hasDoc(tablet.channel('Garden'), 'tulip');
  await hasChannel(tablet, 'Pictures');
  await hasDoc(tablet.channel('Pictures'), 'dunes');
  assert.equal(phone.status.online, false);
});

test('what the laptop has comes to the phone, also while the cloud is down', { skip }, async () => {
  await tablet.channel('Garden').put({ _id: 'rose' });
  const garden = channelNamed(phone, 'Garden').id;
  await laptop.seen(local(garden), 'rose');
  await world.server.stop();
  await laptop.put(local(garden), { _id: 'of the laptop' });
  await exchange();
  for (const id of ['rose', 'of the laptop']) await phone.channel('Garden').get(id);
  assert.equal(channelNamed(phone, 'Garden').state, 'ready', 'the daemon\'s answer came by way of the laptop');
  await world.server.start();
  await waitUntilUp(world.server);
});

test('when the phone reaches the cloud itself nothing is done twice, and all copies are equal', { skip }, async () => {
  toCloud = true;
  phone.kick();
  await waitFor(() => phone.status.online && tablet.status.online, { ...PATIENT, what: 'being online' });
  for (const each of [phone, tablet]) assert.deepEqual(each.channels().map(({ name }) => name).sort(), ['Garden', 'Pictures']);
  assert.equal(await assertSame(world, 'Garden', [phone, tablet]), 4);
  assert.equal(await assertSame(world, 'Pictures', [phone, tablet]), 3);
  for (const each of [phone, tablet]) assert.deepEqual(each.heard.errors.map(({ reason }) => reason), []);
});

test('a wrong address or log-in is told, and the cloud\'s password goes nowhere else', { skip }, async () => {
  await assert.rejects(exchange({ url: 'laptop.local' }), { error: 'bad_server' });
  await assert.rejects(exchange({ password: 'wrong' }), { error: 'log_in' });
  await assert.rejects(exchange({ controlPrefix: 'another-' }), (error) => ['missing', 'forbidden'].includes(error.error));
});

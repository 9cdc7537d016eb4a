// The scenarios of docs/devices.md, on a real server, mail server and daemon: devices of three people in this process.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorld } from '../../../tests/lib/world.mjs';
import { assertSame, closeAll, hasChannel, hasDoc, newDevice, stateIs } from './people.mjs';

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
  assert.deepEqual(phone.heard.states.filter((state, n, all) => state !== all[n - 1]), ['waiting', 'new', 'confirming', 'active']);
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
});

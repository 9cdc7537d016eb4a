// A database that was put back from a copy taken while it was in use: what came between the copy and the loss comes again. First the replication
// alone, between two databases on disk, then a whole device.

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { startWorld } from '../../../tests/lib/world.mjs';
import { Replica } from '../lib/replica.js';
import { closeAll, hasChannel, hasDoc, newDevice, newDisk, openDevice, waitFor } from './people.mjs';

const QUICK = { timeout: 20000 };
const disks = [];
let world;
const devices = [];
after(async () => {
  await closeAll(devices);
  await world?.close();
  for (const disk of disks) disk.remove();
});

/** A database in a folder of its own, which can be copied while it is open, and put back. */
class Shelf {
  constructor() {
    this.disk = newDisk();
    this.copy = `${this.disk.folder}-copy`;
    disks.push(this.disk, { remove: () => rmSync(this.copy, { recursive: true, force: true }) });
  }

  async open() {
    this.database = new this.disk.PouchDB('a-database');
    await this.database.id();  // two that are opened at once would each give it one
    return this;
  }

  back() {
    cpSync(this.disk.folder, this.copy, { recursive: true });
  }

  async putBack() {
    await this.database.close();
    rmSync(this.disk.folder, { recursive: true });
    cpSync(this.copy, this.disk.folder, { recursive: true });
    await this.open();
  }
}

/** `remote` is open elsewhere, too: to close it would close it there. */
function replicaOf(local, remote) {
  return new Replica({ local: local.database, openRemote: () => Object.assign(new remote.disk.PouchDB('a-database'), { close: async () => {} }) });
}

/** The checkpoints of both directions say so on both sides. */
async function allNote(ids, last, ...databases) {
  return waitFor(async () => {
    const docs = await Promise.all(databases.flatMap((database) => [...ids].map((id) => database.get(id).catch(() => ({})))));
    return docs.length === 4 && docs.every(({ last_seq: seq }) => seq === last);
  }, { ...QUICK, what: `the checkpoint ${last}` });
}

/** The ids under which PouchDB keeps its checkpoints there. */
function checkpointsOf(database) {
  const ids = new Set();
  const put = database.put.bind(database);
  database.put = (doc, ...more) => {
    if (String(doc._id).startsWith('_local/')) ids.add(doc._id);
    return put(doc, ...more);
  };
  return ids;
}

for (const [restored, what] of [['local', 'here'], ['remote', 'in the cloud']]) {
  test(`a database ${what}, put back from a copy of the session that was the last, gets what came in between`, async () => {
    const [local, remote] = [await new Shelf().open(), await new Shelf().open()];
    const shelf = restored === 'local' ? local : remote;
    const writer = () => (restored === 'local' ? remote : local).database;
    const ids = checkpointsOf(local.database);
    const replica = replicaOf(local, remote);
    const running = replica.live();
    await writer().put({ _id: 'before' });
    await hasDoc(shelf.database, 'before');
    await allNote(ids, 1, local.database, remote.database);
    shelf.back();
    await writer().put({ _id: 'between' });
    await hasDoc(shelf.database, 'between');
    await allNote(ids, 2, local.database, remote.database);
    replica.stop();
    await running;

    await shelf.putBack();
    await assert.rejects(shelf.database.get('between'), { status: 404 });
    await replicaOf(local, remote).once();
    assert.equal((await shelf.database.get('between'))._id, 'between');
    await local.database.close();
    await remote.database.close();
  });
}

test('a device put back from a copy that was taken while a channel was live catches up', async () => {
  world = await startWorld();
  const sync = { linger: 600000, hourly: 600000 };
  const [phone, tablet] = [await newDevice(world, 'alice@example.com', "Alice's phone", { sync }), await newDevice(world, 'alice@example.com', "Alice's tablet")];
  devices.push(tablet);
  await phone.channel('Photos').put({ _id: 'first' });
  const { id } = await hasChannel(phone, 'Photos');
  await hasChannel(tablet, 'Photos');
  await phone.sync();

  // From now on both write and read by one live replication each way, which is the session that counts.
  const photos = phone.channel('Photos');
  const ids = checkpointsOf(photos);
  const url = `/${world.daemon.names.channel_prefix}${id}`;
  const arrives = async (name) => {
    await tablet.channel('Photos').put({ _id: name });
    await hasDoc(photos, name);
    return pullCheckpoint(ids, photos, url);
  };
  await photos.put({ _id: 'wakes it' });
  await hasDoc(tablet.channel('Photos'), 'wakes it');
  const before = await arrives('before the copy');
  const copy = `${phone.disk.folder}-copy`;
  disks.push(phone.disk, { remove: () => rmSync(copy, { recursive: true, force: true }) });
  cpSync(phone.disk.folder, copy, { recursive: true });
  const between = await arrives('in between');
  assert.equal(between.session_id, before.session_id, 'one session');
  assert.notEqual(between.last_seq, before.last_seq);
  const written = await tablet.channel('Photos').get('in between');
  await phone.close();

  rmSync(phone.disk.folder, { recursive: true });
  cpSync(copy, phone.disk.folder, { recursive: true });
  const again = await openDevice(world, phone.disk, {});
  devices.push(again);
  await assert.rejects(again.channel('Photos').get('in between'), { status: 404 });
  await again.sync('Photos');
  assert.equal((await again.channel('Photos').get('in between'))._rev, written._rev);
});

/** What both sides note of the replication that brings the cloud's documents here, once that is the whole of it. */
function pullCheckpoint(ids, local, url) {
  return waitFor(async () => {
    const { body: { update_seq: whole } } = await world.server.request(url);
    for (const id of ids) {
      const here = await local.get(id).catch(() => ({}));
      const { body: there } = await world.server.request(`${url}/${id}`);
      const isWhole = typeof here.last_seq === 'string' && parseInt(here.last_seq, 10) === parseInt(whole, 10);
      if (isWhole && here.last_seq === there.last_seq && here.session_id === there.session_id) return there;
    }
    return null;
  }, { ...QUICK, what: 'equal checkpoints' });
}

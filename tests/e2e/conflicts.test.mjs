// Documents of a control database that two devices changed while offline: what everyone sees afterwards, and where the
// edit that lost is kept. The devices here are PouchDBs, which replicate as phones do.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

const require = createRequire(import.meta.url);
const PouchDB = require('pouchdb').plugin(require('pouchdb-adapter-memory'));

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

/** A registered device with a copy of the control database that is as old as its last push() or pull(). */
class OfflineDevice {
  static #count = 0;

  constructor(device) {
    this.device = device;
    this.local = new PouchDB(`conflicts-${process.pid}-${OfflineDevice.#count++}`, { adapter: 'memory' });
    this.cloud = new PouchDB(device.control, {
      skip_setup: true, auth: { username: device.username, password: device.secret },
    });
  }

  async pull() {
    await this.local.replicate.from(this.cloud);
  }

  async push() {
    const { doc_write_failures: refused } = await this.local.replicate.to(this.cloud);
    assert.equal(refused, 0, 'every edit gets in');
  }

  get(id) {
    return this.local.get(id, { conflicts: true });
  }

  /** Edits made while offline: each is a revision. */
  async edit(id, ...changes) {
    for (const change of changes) await this.local.put({ ...await this.local.get(id), ...change });
  }
}

async function offlineDevices(owner, count = 2) {
  const devices = [];
  for (let i = 0; i < count; ++i)
    devices.push(new OfflineDevice(await world.activate(world.device(owner, { name: `device ${i}` }))));
  return devices;
}

const database = ({ device }) => `/${device.control.split('/').pop()}`;

/** The leaves that the cloud has, without those that are deleted. */
async function leaves(device, id) {
  const { body } = await world.daemon.request(`${database(device)}/${id}?open_revs=all`, { headers: { accept: 'application/json' } });
  return body.map(({ ok }) => ok).filter((doc) => doc && !doc._deleted);
}

/**
 * Waits until one leaf is left that `when` holds for, and all devices have it and nothing else. The daemon may write once
 * more between the two looks (a new name that it carries on, for example): then both are taken again.
 */
function settled(id, devices, when = () => true) {
  return waitFor(async () => {
    const [doc, ...others] = await leaves(devices[0], id);
    assert.ok(others.length === 0 && when(doc), `more than one leaf, or not the one: ${JSON.stringify([doc, ...others])}`);
    for (const device of devices) {
      await device.pull();
      const { _conflicts: conflicts, ...seen } = await device.get(id);
      assert.deepEqual(seen, doc);
      assert.equal(conflicts, undefined);
    }
    return doc;
  }, { what: `one leaf of ${id} everywhere` });
}

const all = (devices, method) => Promise.all(devices.map((device) => device[method]()));

describe('two devices that were offline', () => {
  test('rename a third: one name is kept, the other is told', async () => {
    const [phone, laptop, tablet] = await offlineDevices('names@example.com', 3);
    const { id } = tablet.device;
    await all([phone, laptop], 'pull');
    await phone.edit(id, { name: 'Kitchen' });
    await laptop.edit(id, { name: 'Hall' }, { name: 'Attic' });
    const lost = (await phone.get(id))._rev;
    await phone.push();
    await world.seen(phone.device, id, ({ name }) => name === 'Kitchen');
    await laptop.push();
    const doc = await settled(id, [phone, laptop], ({ overruled }) => overruled);
    assert.equal(doc.name, 'Attic');
    assert.equal(doc.state, 'active');
    assert.deepEqual(doc.overruled, [{ rev: lost, name: 'Kitchen' }]);
    await waitFor(async () => (await world.daemon.request(`/${world.daemon.names.registry_db}/device-${id}`)).body.name === 'Attic');

    // The person has seen it.
    const { overruled, ...seen } = await phone.local.get(id);
    await phone.local.put(seen);
    await phone.push();
    await settled(id, [phone, laptop], (left) => !left.overruled);
  });

  test('pause and stop a subscription: both see the same choice', async () => {
    const [phone, laptop] = await offlineDevices('choices@example.com');
    const channel = await world.makeChannel(phone.device);
    const id = `${channel._id}-sub-${phone.device.user}`;
    await world.seen(phone.device, id, ({ state }) => state === 'active');
    await all([phone, laptop], 'pull');
    await phone.edit(id, { state: 'paused' });
    await laptop.edit(id, { state: 'stopped' });
    const revs = { paused: (await phone.get(id))._rev, stopped: (await laptop.get(id))._rev };
    await all([phone, laptop], 'push');
    const doc = await settled(id, [phone, laptop], ({ overruled }) => overruled);
    const [kept, lost] = revs.paused > revs.stopped ? ['paused', 'stopped'] : ['stopped', 'paused'];
    assert.equal(doc.state, kept);
    assert.deepEqual(doc.overruled, [{ rev: revs[lost], state: lost }]);
    assert.equal(doc.syncpoint, (await world.get(phone.device, id)).syncpoint);
  });

  test('edit a channel\'s own fields: they are united, and what cannot be is told', async () => {
    const [phone, laptop] = await offlineDevices('fields@example.com');
    const { _id: id, syncpoint, name } = await world.makeChannel(phone.device);
    await all([phone, laptop], 'pull');
    await phone.edit(id, { color: 'red', icon: { name: 'boat' } });
    await laptop.edit(id, { color: 'blue' }, { name: 'Boats' });
    const lost = (await phone.get(id))._rev;
    await all([phone, laptop], 'push');
    const doc = await settled(id, [phone, laptop], ({ overruled }) => overruled);
    assert.deepEqual({ color: doc.color, icon: doc.icon, name: doc.name }, { color: 'blue', icon: { name: 'boat' }, name: 'Boats' });
    assert.equal(doc.state, 'ready');
    assert.equal(doc.syncpoint, syncpoint);
    assert.deepEqual(doc.overruled, [{ rev: lost, name, color: 'red' }]);
    await waitFor(async () =>
      (await world.daemon.request(`/${doc.database}/description`)).body.name === 'Boats', { what: 'the new name in the description' });
  });

  test('leave an app\'s documents to the app', async () => {
    const [phone, laptop] = await offlineDevices('apps@example.com');
    await phone.local.put({ _id: 'settings', type: 'settings', state: 'any', theme: 'dark' });
    await laptop.local.put({ _id: 'settings', type: 'settings', state: 'any', theme: 'light' });
    await all([phone, laptop], 'push');
    await world.makeChannel(phone.device);  // whatever was to happen to what was there before has happened then
    assert.equal((await leaves(phone, 'settings')).length, 2);
  });
});

test('a revocation beats a rename, however long that went on', async () => {
  const [phone, laptop, thief] = await offlineDevices('thief@example.com', 3);
  const { id } = thief.device;
  await all([phone, laptop, thief], 'pull');
  await phone.edit(id, { state: 'revoke', wipe: true });
  await thief.edit(id, { name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'mine' });
  await thief.push();
  await phone.push();
  const doc = await settled(id, [phone, laptop], ({ state }) => state === 'revoked');
  assert.equal(doc.wipe, true);
  assert.equal(doc.name, 'mine');
  assert.deepEqual(doc.overruled?.map((entry) => entry.name), ['device 2']);
  await waitFor(async () => (await thief.device.request(thief.device.control)).status === 401);
});

test('a winner of another type does not hide a device from its revocation', async () => {
  const [phone, thief] = await offlineDevices('hidden@example.com');
  const { id } = thief.device;
  const copy = await world.get(phone.device, id);
  const ids = ['f', 'e'].map((digit) => digit.repeat(32));
  const note = { _id: id, _rev: `90-${ids[0]}`, _revisions: { start: 90, ids }, type: 'note', state: 'any' };
  const branch = { ...copy, state: 'revoke', _rev: `2-${'0'.repeat(32)}`, _revisions: { start: 2, ids: ['0'.repeat(32), copy._rev.split('-')[1]] } };
  for (const doc of [note, branch]) {
    const { body } = await thief.device.request(`${thief.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [doc] } });
    assert.deepEqual(body.filter((row) => row.error), []);
  }
  const doc = await settled(id, [phone], ({ state }) => state === 'revoked');
  assert.equal(doc.type, 'device');
});

test('a cloud put back from a backup: what a device brings of later is settled', async () => {
  const [phone, laptop] = await offlineDevices('backup@example.com');
  const { _id: id, name } = await world.makeChannel(phone.device);
  await all([phone, laptop], 'pull');
  const backup = await world.get(phone.device, id);
  // Two renames, which the daemon wrote on; the phone has them all.
  for (const next of ['One', 'Two']) {
    await world.put(phone.device, { ...await world.get(phone.device, id), name: next, error: undefined });
    await waitFor(async () => (await world.daemon.request(`/${backup.database}/description`)).body.name === next);
  }
  await phone.pull();

  // The document is back at what the backup had, and goes on from there.
  const path = database(phone);
  const purged = (await leaves(phone, id)).map(({ _rev }) => _rev);
  await world.daemon.request(`${path}/_purge`, { method: 'POST', body: { [id]: purged } });
  const history = await laptop.local.get(id, { revs: true });
  await world.daemon.request(`${path}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [history] } });
  await laptop.edit(id, { color: 'green' });
  await laptop.push();
  await world.seen(laptop.device, id, ({ color }) => color === 'green');
  // A replication that starts over, as after a restore: the purge does not show in the source's checkpoints.
  const newest = await phone.local.get(id, { revs: true });
  const { body } = await phone.device.request(`${phone.device.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs: [newest] } });
  assert.deepEqual(body.filter((row) => row.error), []);

  const doc = await waitFor(async () => {
    const [first, ...others] = await leaves(phone, id);
    return others.length === 0 && first.color === 'green' && first;
  }, { what: 'one leaf' });
  assert.equal(doc.name, 'Two');
  assert.equal(doc.state, 'ready');
  assert.deepEqual(doc.overruled?.map((entry) => entry.name), [name]);
  await waitFor(async () => (await world.daemon.request(`/${doc.database}/description`)).body.name === 'Two');
});

test('many devices at once, and a daemon that is killed in between: nothing is lost', async () => {
  const devices = await offlineDevices('crowd@example.com', 5);
  const { _id: id, name } = await world.makeChannel(devices[0].device);
  await all(devices, 'pull');
  await world.daemon.kill();
  const revs = new Map();
  for (const [i, device] of devices.entries()) {
    await device.edit(id, { color: `color ${i}` });
    revs.set((await device.get(id))._rev, `color ${i}`);
  }
  await all(devices, 'push');
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await waitFor(async () => (await leaves(devices[0], id)).some(({ overruled }) => overruled), { interval: 1 });
  await world.daemon.kill();
  world.daemon.start();
  await world.daemon.waitUntilReady();
  const doc = await settled(id, devices, ({ overruled }) => overruled);
  assert.equal(doc.name, name);
  const [winner, ...losers] = [...revs.keys()].sort().reverse();
  assert.equal(doc.color, revs.get(winner));
  assert.deepEqual(doc.overruled, losers.map((rev) => ({ rev, color: revs.get(rev) })));
});

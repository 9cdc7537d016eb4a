// A database put back from a copy of its file, as an operator restores a backup. CouchDB shows no sign of it: _changes
// after the seq that the daemon had reached gives nothing, and what is written then would be lost without a word.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serverKind } from '../lib/couch_server.mjs';
import { waitFor } from '../lib/net.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB of its own, whose database files it puts back';
let world;
before(async () => { if (!skip) world = await startWorld({ own: true }); });
after(() => world?.close());

/** The file of a database with one shard. */
function fileOf(database) {
  const folder = join(world.server.dir, 'data/shards/00000000-ffffffff');
  const name = readdirSync(folder).find((file) => file.startsWith(`${database}.`) && file.endsWith('.couch'));
  assert.ok(name, `no file of ${database} in ${folder}`);
  return join(folder, name);
}

const newChannel = (name) => ({ _id: newChannelId(), type: 'channel', state: 'new', name });

async function makeChannel(device, name) {
  const channel = newChannel(name);
  assert.equal((await world.put(device, channel)).status, 201);
  await world.seen(device, channel._id, ({ state }) => state === 'ready', { timeout: 60000 });
  return channel;
}

/** While the daemon runs, or not. */
async function restoredDuring(device, whileDown) {
  const control = device.control.split('/').pop();
  await makeChannel(device, 'before the copy');
  await world.server.stop();
  copyFileSync(fileOf(control), `${fileOf(control)}.copy`);
  await world.server.start();
  await makeChannel(device, 'after the copy');
  for (let i = 0; i < 8; i++) await world.put(device, { _id: `note-${i}`, type: 'note', text: 'an app\'s own' });
  const checkpoint = async () => {
    const { body } = await world.daemon.request(`/${control}`);
    const { body: rows } = await world.daemon.request(`/${world.daemon.names.registry_db}/_all_docs?include_docs=true&startkey="checkpoint-"&endkey="checkpoint-~"`);
    return rows.rows.some(({ doc }) => doc.database === control && doc.seq === body.update_seq);
  };
  await waitFor(checkpoint, { what: 'the checkpoint past all of it' });
  await world.server.stop();
  await whileDown();
  copyFileSync(`${fileOf(control)}.copy`, fileOf(control));
  await world.server.start();
}

test('what is written into a restored database is handled, though its seqs were used before', { skip }, async () => {
  const device = await world.activate(world.device('restore@example.com'));
  await restoredDuring(device, async () => {});
  await makeChannel(device, 'after the restore');
});

test('the same, restored while no daemon ran', { skip }, async () => {
  const device = await world.activate(world.device('restore2@example.com'));
  await restoredDuring(device, () => world.daemon.stop());
  await world.put(device, { _id: 'note', type: 'note' });
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await makeChannel(device, 'after the restore');
});

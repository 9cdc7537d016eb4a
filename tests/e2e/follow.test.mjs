// [channels] follow: databases of an operator's own, by names and globs, whose documents go to handlers that name none.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';

const PROGRAM = fileURLToPath(new URL('programs/counts.mjs', import.meta.url));
const LONG = { timeout: 120000, interval: 200 };

const names = newNames();
const tag = names.handshake_db.split('-')[0];
const folder = mkdtempSync(join(tmpdir(), 'channels-follow-'));
let server;
let daemon;

const make = (database) => server.request(`/${tag}-${database}`, { method: 'PUT' });
const write = (database, _id) => server.request(`/${tag}-${database}/${_id}`, { method: 'PUT', body: { type: 'order', state: 'new' } });
const read = async (database, id) => (await server.request(`/${tag}-${database}/${id}`)).body;
const handled = (database, id) => waitFor(async () => (await read(database, id)).state === 'done', { ...LONG, what: `${database}/${id} being handled` })
  .catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });

before(async () => {
  server = await startCouch();
  for (const database of ['orders', 'box-1', 'boxes', 'my-orders']) await make(database);
  await write('orders', 'early');
  daemon = await startDaemon({
    server, names, channels: { follow: `${tag}-orders, ${tag}-box-*` },
    sections: { channels_handlers: { counts: `${process.execPath} ${PROGRAM} ${folder}` } },
  });
});
after(async () => {
  await daemon?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a document in each database that is named or fits a glob is handled, also in one that is made later', async () => {
  await handled('orders', 'early');
  await make('box-2');
  for (const database of ['orders', 'box-1', 'box-2']) {
    await write(database, 'late');
    await handled(database, 'late');
  }
});

test('one in a database that is not, never', async () => {
  for (const database of ['boxes', 'my-orders']) await write(database, 'aside');
  // What was written after them is handled.
  for (const database of ['orders', 'box-1', 'box-2']) {
    await write(database, 'after');
    await handled(database, 'after');
  }
  // A new daemon looks at every database that there is.
  await daemon.restart();
  await write('orders', 'last');
  await handled('orders', 'last');
  for (const database of ['boxes', 'my-orders']) assert.equal((await read(database, 'aside'))._rev.split('-')[0], '1', database);
});

// Handlers by the Node kit and by the Python one, as an app has them, against the real program.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KIT, appFolder } from '../lib/app_folder.mjs';
import { newNames } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

const PYTHON_KIT = fileURLToPath(new URL('../../clients/handlers-python', import.meta.url));
const LONG = { timeout: 90000, interval: 200 };

let world;
let folder;
let work;
const clerk = 'clerk-of-the-shop';

before(async () => {
  folder = appFolder(fileURLToPath(new URL('programs/shop', import.meta.url)), ['nano', 'nodemailer']);
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-shop`;
  world = await startWorld({
    names,
    sections: {
      channels_handlers: {
        shop: `${process.execPath} ${join(folder, 'handlers.mjs')}`,
        welcome: `${process.execPath} ${join(folder, 'welcome.mjs')}`,
        snake: `python3 ${join(folder, 'handlers.py')} ${PYTHON_KIT}`,
        clerk: `python3 ${join(folder, 'handlers.py')} ${PYTHON_KIT}`,
      },
      'channels_handler.shop': { databases: work },
      'channels_handler.welcome': { databases: `${names.control_prefix}*` },
      'channels_handler.snake': { databases: work },
      'channels_handler.clerk': { databases: `${work}s`, role_user: clerk },
    },
  });
  const { daemon } = world;
  await daemon.request(`/_users/org.couchdb.user:${clerk}`, {
    method: 'PUT', body: { _id: `org.couchdb.user:${clerk}`, name: clerk, password: 'secret', type: 'user', roles: [] },
  });
  for (const name of [work, `${work}s`]) await daemon.request(`/${name}`, { method: 'PUT' });
});
after(async () => {
  if (world) {
    const path = `/_users/org.couchdb.user:${clerk}`;
    const { body } = await world.daemon.request(path);
    await world.daemon.request(`${path}?rev=${body._rev}`, { method: 'DELETE' });
  }
  await world?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function becomes(doc, state, database = work) {
  const { daemon } = world;
  await daemon.request(`/${database}/${doc._id}`, { method: 'PUT', body: doc });
  return waitFor(async () => {
    const { body } = await daemon.request(`/${database}/${doc._id}`);
    return body.state === state && body;
  }, { ...LONG, what: `${doc._id} being ${state}` }).catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
}

test('the example of old: a new device gets a mail with a code and is confirming', async () => {
  const doc = await becomes({ _id: 'd', type: 'device', state: 'new', owner: 'alice@example.com', mail: world.mail.url }, 'confirming');
  const mail = await world.mail.next({ to: 'alice@example.com', text: /It is/ });
  assert.ok(mail.text.includes(doc.code));
});

test('the example of old: a channel that is ready gets its first document, after the built-in rule', async () => {
  const alice = await world.activate(world.device('alice@example.com'));
  const channel = await world.makeChannel(alice, { name: 'Fun Times' });
  const welcome = await waitFor(async () => {
    const { status, body } = await alice.request(`${channel.syncpoint}/welcome`);
    return status === 200 && body;
  }, { ...LONG, what: 'the welcome' });
  assert.equal(welcome.text, 'Welcome to Fun Times');
  const { body } = await alice.request(`${channel.syncpoint}/description`);
  assert.equal(body.name, 'Fun Times');
});

test('a device that is active is a program\'s after the built-in rule, in its control database', async () => {
  const bob = await world.activate(world.device('bob@example.com'));
  const { _id, control_database: database } = await bob.read();
  const greeting = await waitFor(async () => {
    const { status, body } = await world.daemon.request(`/${database}/greeting-${_id}`);
    return status === 200 && body;
  }, { ...LONG, what: 'the greeting' });
  assert.equal(greeting.text, `Hello, ${bob.name}`);
});

test('Node: the cookie is an admin\'s, console.log goes to the log, retryLater comes again', async () => {
  const doc = await becomes({ _id: 'w', type: 'who', state: 'new' }, 'known');
  assert.equal(doc.name, world.server.user);
  assert.equal(doc.db, work);
  assert.match(world.daemon.output, /\[shop\] a stray line/);
  assert.equal((await becomes({ _id: 's', type: 'stock', state: 'new' }, 'there')).attempt, 3);
});

test('Python: the same in one file', async () => {
  const doc = await becomes({ _id: 'pw', type: 'who', state: 'py' }, 'known');
  assert.equal(doc.name, world.server.user);
  assert.equal(doc.db, work);
  assert.match(world.daemon.output, /\[snake\] a stray line/);
  assert.equal((await becomes({ _id: 'ps', type: 'stock', state: 'py' }, 'there')).attempt, 3);
  assert.match((await becomes({ _id: 'po', type: 'order', state: 'py' }, 'shipped')).key, /^[0-9a-f]{64}$/);
  await becomes({ _id: 'pb', type: 'order', state: 'bad' }, 'good');
  assert.match(world.daemon.output, /ValueError: no such luck/);
});

test('role_user: the cookie is that user\'s', async () => {
  assert.equal((await becomes({ _id: 'rw', type: 'who', state: 'py' }, 'known', `${work}s`)).name, clerk);
});

test('the template\'s own test passes where it was copied', () => {
  const copy = appFolder(join(KIT, 'template'));
  try {
    // Else it would take itself for a part of this run, and run nothing.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const output = execFileSync(process.execPath, ['--test', '--test-reporter=tap'], { cwd: copy, env, encoding: 'utf8' });
    assert.match(output, /^# pass 1$/m);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

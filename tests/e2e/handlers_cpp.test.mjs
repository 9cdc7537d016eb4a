// A handler in C++: the installed headers and library, examples/handler_cpp built against them and nothing else, and run by the daemon.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { PROGRAM, newNames, startDaemon } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';

const EXAMPLE = fileURLToPath(new URL('../../examples/handler_cpp', import.meta.url));
const BUILD = resolve(process.env.CHANNELS_BUILD ?? dirname(PROGRAM));
const LONG = { timeout: 90000, interval: 200 };

let server;
let daemon;
let work;
let folder;

function run(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The flags that a sanitized library wants of who links it. */
function sanitizer() {
  const [, kind] = /^CHANNELS_SANITIZE:STRING=(.*)$/m.exec(readFileSync(join(BUILD, 'CMakeCache.txt'), 'utf8')) ?? [];
  return kind === 'address' ? '-fsanitize=address,undefined' : kind === 'thread' ? '-fsanitize=thread' : '';
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'channels-cpp-'));
  cpSync(EXAMPLE, join(folder, 'source'), { recursive: true });
  run('cmake', '--build', BUILD, '--target', 'couchdb_channels_handlers', 'handlers_headers');
  run('cmake', '--install', BUILD, '--component', 'dev', '--prefix', join(folder, 'installed'));
  run('cmake', '-S', join(folder, 'source'), '-B', join(folder, 'build'), `-DCMAKE_PREFIX_PATH=${join(folder, 'installed')}`,
    `-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror ${sanitizer()}`);
  run('cmake', '--build', join(folder, 'build'));
  server = await startCouch();
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  daemon = await startDaemon({
    server, names,
    sections: { channels_handlers: { orders: join(folder, 'build/orders') }, 'channels_handler.orders': { databases: work } },
  });
  await daemon.request(`/${work}`, { method: 'PUT' });
});
after(async () => {
  await daemon?.close();
  await server?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function becomes(doc, state) {
  await daemon.request(`/${work}/${doc._id}`, { method: 'PUT', body: doc });
  return waitFor(async () => {
    const { body } = await daemon.request(`/${work}/${doc._id}`);
    return body.state === state && body;
  }, { ...LONG, what: `${doc._id} being ${state}` }).catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
}

test('the installed headers include each other by <couchdb-channels/...> alone', () => {
  const headers = readdirSync(join(folder, 'installed/include/couchdb-channels'), { recursive: true }).filter((name) => name.endsWith('.h'));
  assert.ok(headers.includes('control/control.h') && headers.includes('engine/rules.h'), `${headers}`);
  for (const header of headers) {
    const text = readFileSync(join(folder, 'installed/include/couchdb-channels', header), 'utf8');
    assert.doesNotMatch(text, /^#include "/m, header);
    for (const [, named] of text.matchAll(/^#include <couchdb-channels\/(.*)>/gm)) assert.ok(headers.includes(named), `${header} includes ${named}`);
  }
});

test('its own test passes, without daemon and server', () => {
  assert.match(run('ctest', '--test-dir', join(folder, 'build'), '--output-on-failure'), /100% tests passed/);
});

test('safe and unsafe handlers run, by the same words; what is printed goes to the log', async () => {
  assert.equal((await becomes({ _id: 'a', type: 'order', state: 'new', items: ['apple', 'pear'], kept: { x: [null] } }, 'accepted')).total, 2);
  assert.equal((await becomes({ _id: 'e', type: 'order', state: 'new' }, 'error')).error.error, 'empty');
  const shipped = await becomes({ _id: 'p', type: 'order', state: 'paid' }, 'shipped');
  assert.match(shipped.parcel, /^[0-9a-f]{64}$/);
  assert.match(daemon.output, new RegExp(`\\[orders\\] shipping p by the key ${shipped.parcel}`));
});

test('run.database is CouchDB with the handed cookie', async () => {
  await becomes({ _id: 'b', type: 'order', state: 'billed' }, 'invoiced');
  assert.equal((await daemon.request(`/${work}/invoice-b`)).body.order, 'b');
});

test('a program that is not started by the daemon says so', () => {
  const { COUCHDB_URL: _, ...env } = process.env;
  const { status, stderr } = spawnSync(join(folder, 'build/orders'), { encoding: 'utf8', env });
  assert.equal(status, 2);
  assert.match(stderr, /started by couchdb-channels/);
});

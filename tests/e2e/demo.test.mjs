// `make demo` as a person meets it: every state is printed, the mail, the figures, and where to look around.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { PROGRAM } from '../lib/daemon.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `whenSaid`: text -> signal, sent once that text was printed. */
function demo(env = {}, { text, signal } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['demo/demo.mjs'], {
      cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CHANNELS_PROGRAM: PROGRAM, ...env },
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (signal && output.includes(text)) child.kill(signal);
    });
    child.stderr.on('data', (chunk) => { errors += chunk; });
    child.once('close', (code) => resolve({ code, output, errors }));
  });
}

/** The rows of the README: [[type, state, state], ...]. */
function promised() {
  const block = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').split('What `make demo` shows')[1].split('## ')[0];
  return [...block.matchAll(/^ {4}(\w+) +(\w+) -> (\w+)/gm)].map(([, ...row]) => row);
}

function assertWholeLoop(output) {
  const rows = promised();
  assert.equal(rows.length, 4);
  for (const [type, ...states] of rows) {
    for (const state of states) {
      const times = [...output.matchAll(new RegExp(`^ {2}\\[[\\w-]+\\] ${type} \\S+ ${state} \\(rev`, 'gm'))].length;
      // The device is active twice: in the handshake, and in its control database.
      assert.equal(times, type === 'device' && state === 'active' ? 2 : 1, `${type} ${state}\n${output}`);
    }
  }
  const places = rows.flatMap(([type, ...states]) => states.map((state) => output.search(new RegExp(`\\] ${type} \\S+ ${state} `))));
  assert.ok(places[0] < places[1] && places[1] < places[2] && places[4] < places[5], 'in their order');
  assert.match(output, /^ {2}Subject: Confirm your device$/m);
  assert.match(output, /_utils\/channels\/confirm\.html#[0-9a-f]{64}\.[0-9a-f]{64}/);
  assert.match(output, /\] description description ready \(rev 1\)\n {4}\{\n {6}"name": "Fun Times"/);
  for (const figure of ['device document -> mail', 'confirm clicked -> active', 'channel new -> ready'])
    assert.match(output, new RegExp(`^ {2}${figure} +\\d+ ms$`, 'm'));
  assert.match(output, /^ {2}the daemon +\d+\.\d MB resident, \d+ threads$/m);
}

test('without a terminal it plays the whole loop, prints each state once, and ends by itself', async () => {
  const { code, output, errors } = await demo();
  assert.equal(code, 0, errors);
  assert.equal(errors, '');
  assertWholeLoop(output);
  assert.match(output, /^ {2}Look around: http:\/\/\S+\/_all_dbs/m);
});

test('on a server that is somebody\'s it shows no password of his, and leaves nothing behind', async () => {
  const server = await startCouch();
  try {
    const look = async () => {
      const { body: names } = await server.request('/_all_dbs');
      const { body: { rows } } = await server.request('/_users/_all_docs');
      return { names, users: rows.map(({ id }) => id) };
    };
    const env = {
      COUCHDB_URL: server.url, COUCHDB_USER: server.user, COUCHDB_PASSWORD: server.password,
      CHANNELS_TEST_SERVER_KIND: 'external', CHANNELS_TEST_SERVER_INI: undefined, CHANNELS_TEST_SERVER_SECRET: undefined,
    };
    for (const early of [{}, { text: '] confirm ', signal: 'SIGINT' }]) {
      const { code, output, errors } = await demo(env, early);
      assert.equal(code, early.signal ? 130 : 0, errors);
      assert.equal(errors, '');
      assert.ok(!output.includes(server.password));
      const { names, users } = await look();
      const id = /#([0-9a-f]{64})\./.exec(output)[1];
      assert.ok(!users.includes(`org.couchdb.user:device-${id}`), 'its log-in is gone');
      if (!early.signal) {
        assertWholeLoop(output);
        assert.match(output, new RegExp(`Look around: ${server.url}/_all_dbs`));
        const tag = /\[(t[0-9a-f]{8})-channel-/.exec(output)[1];
        assert.deepEqual(names.filter((name) => name.startsWith(tag)), []);
      }
    }
  } finally {
    await server.close();
  }
});

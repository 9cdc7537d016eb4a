// docs/handlers.md, "From nothing to a running handler" and "Test a handler without a server": what it says to write is written so, and works, in
// Node and in Python.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KIT, appFolder } from '../lib/app_folder.mjs';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { commandsWith, indentedBlock, readDoc } from '../lib/docs.mjs';
import { waitFor } from '../lib/net.mjs';

const PYTHON_KIT = fileURLToPath(new URL('../../clients/handlers-python/couchdb_channels.py', import.meta.url));
const doc = readDoc('handlers.md');

let server;
let node;
let python;

before(async () => {
  server = await startCouch();
  // npm's part, without a registry.
  node = appFolder(join(KIT, 'template'));
  python = mkdtempSync(join(tmpdir(), 'channels-python-'));
  cpSync(PYTHON_KIT, join(python, 'couchdb_channels.py'));
  for (const name of ['handlers.py', 'test_handlers.py']) {
    const [first] = doc.split('\n').filter((line) => line.trim().startsWith(`# /srv/orders/${name}`));
    writeFileSync(join(python, name), indentedBlock(doc, first.trim()));
  }
});
after(async () => {
  await server?.close();
  for (const folder of [node, python]) if (folder) rmSync(folder, { recursive: true, force: true });
});

/** A daemon with what the page says to write into the ini file, and the order that it says to write. */
async function acceptedBy(commandLine) {
  const names = newNames();
  const work = `${names.handshake_db.split('-')[0]}-orders`;
  const [, section, databases] = /(\[channels_handler\.orders\])\s+databases = (orders)/.exec(doc);
  const daemon = await startDaemon({ server, names, sections: { channels_handlers: { orders: commandLine }, [section.slice(1, -1)]: { databases: databases.replace('orders', work) } } });
  try {
    await waitFor(() => daemon.output.includes('[orders] is ready with 1 handlers'), { what: 'the line that the page tells of' })
      .catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
    const [, order] = /-d '(\{.*\})'/.exec(commandsWith(doc, 'curl -u admin -X PUT').join('\n'));
    await daemon.request(`/${work}`, { method: 'PUT' });
    await daemon.request(`/${work}/1`, { method: 'PUT', body: JSON.parse(order) });
    return await waitFor(async () => {
      const { body } = await daemon.request(`/${work}/1`);
      return body.state === 'accepted' && body;
    }, { timeout: 90000, what: 'the order being accepted' });
  } finally {
    await daemon.close();
  }
}

/** The command line under [channels_handlers] that names that program. */
const lineOf = (program) => new RegExp(`orders = (/usr/bin/${program} [^\`\\n]*)`).exec(doc)[1].replace(`/usr/bin/${program}`, program === 'node' ? process.execPath : program);

test('the page shows the template\'s own handler', () => {
  const shown = indentedBlock(doc, "import { control } from 'couchdb-channels-handlers';");
  const code = readFileSync(join(KIT, 'template/handlers.mjs'), 'utf8').split('\n').filter((line) => line && !line.startsWith('//'));
  assert.deepEqual(shown.split('\n').filter(Boolean), code);
});

test('Node: the order is accepted', async () => {
  assert.equal((await acceptedBy(lineOf('node').replace('/srv/orders', node))).total, 1);
});

test('Python: the order is accepted', async () => {
  assert.equal((await acceptedBy(lineOf('python3').replace('/srv/orders', python))).total, 1);
});

test('Python: the page\'s test passes, and a wrong handler fails it', () => {
  const [, command, ...args] = /; (python3) (-m unittest discover) \/srv\/orders/.exec(doc);
  const unittest = () => spawnSync(command, [...args[0].split(' '), python], { encoding: 'utf8' });
  const right = unittest();
  assert.equal(right.status, 0, right.stderr);
  assert.match(right.stderr, /Ran 1 test/);
  const file = join(python, 'handlers.py');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('"accepted"', '"lost"'));
  assert.equal(unittest().status, 1);
  writeFileSync(file, text);
});

const TRIES = `
from couchdb_channels import Control, RetryLater, try_out
table = Control()

@table.unsafe("order", "paid")
def ship(doc, ctx):
    return {**doc, "state": f"{ctx.couch('GET', '_session')['name']} {ctx.attempt} {ctx.attempt_key}"}

@table.safe("order", "*")
def leave(doc, ctx):
    doc["state"] = "by accident"

@table.safe("*", "wait")
def wait(doc, ctx):
    raise RetryLater(60, "no stock")

print(try_out({"type": "order", "state": "paid"}, table, couch=lambda method, path, body=None: {"name": path}, attempt=3, attempt_key="k"))
print(try_out({"type": "order", "state": "paid"}, table)["error"]["reason"])
print(try_out({"type": "order", "state": "other"}, table))
print(try_out({"type": "x", "state": "wait"}, table))
print(try_out({"type": "x", "state": "y"}, table))
`;

test('Python: try_out says what would be saved, and what failed', () => {
  const output = execFileSync('python3', ['-c', TRIES], { cwd: python, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  assert.deepEqual(output.trim().split('\n'), [
    "{'mode': 'unsafe', 'doc': {'type': 'order', 'state': '_session 3 k'}, 'changed': True}",
    'RuntimeError: this handler uses ctx.couch: give try_out one, couch=...',
    "{'mode': 'safe', 'doc': {'type': 'order', 'state': 'other'}, 'changed': False}",
    "{'mode': 'safe', 'error': {'reason': 'no stock', 'retry_after': 60.0}}",
    'None',
  ]);
});

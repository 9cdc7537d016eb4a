// Handler programs and who gets what: look-up order over the pipe, how many documents a program has in hand, and two daemons that race with the
// same program.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';

const PROGRAM = fileURLToPath(new URL('programs/counts.mjs', import.meta.url));
const LONG = { timeout: 120000, interval: 200 };
const IN_FLIGHT = 3;

const names = newNames();
const work = `${names.handshake_db.split('-')[0]}-work`;
const folder = mkdtempSync(join(tmpdir(), 'channels-counts-'));
let server;
let daemon;
let another;

before(async () => {
  server = await startCouch();
  const sections = { channels_handlers: { counts: `${process.execPath} ${PROGRAM} ${folder}` }, 'channels_handler.counts': { databases: work, in_flight: IN_FLIGHT } };
  daemon = await startDaemon({ server, names, sections });
  another = await startDaemon({ server, names, sections });
  for (const one of [daemon, another]) await waitFor(() => one.output.includes('[counts] is ready'), { ...LONG, what: 'the program' });
  await daemon.request(`/${work}`, { method: 'PUT' });
});
after(async () => {
  if (another && !another.over) await another.stop();
  await daemon?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const linesOf = (file) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8').trim().split('\n') : []);

async function done(docs) {
  await daemon.request(`/${work}/_bulk_docs`, { method: 'POST', body: { docs } });
  return Promise.all(docs.map(({ _id }) => waitFor(async () => {
    const { body } = await daemon.request(`/${work}/${_id}`);
    return body.state === 'done' && body;
  }, { ...LONG, what: `${_id} being done` }).catch((error) => { throw new Error(`${error.message}\n${daemon.output}\n${another.output}`); })));
}

test('look-up order: the pair, the type\'s default, (any type, state), the global default', async () => {
  const found = await done([
    { _id: 'pair', type: 'order', state: 'new' },  // else (any type, any state): unsafe
    { _id: 'type', type: 'parcel', state: 'new' },  // else (any type, new): safe
    { _id: 'state', type: 'other', state: 'new' },  // else the global default: unsafe
    { _id: 'global', type: 'other', state: 'paid' },
  ]);
  assert.deepEqual(found.map(({ mode }) => mode), ['safe', 'unsafe', 'safe', 'unsafe']);
});

test('a program has in_flight documents in hand at once, and never more', async () => {
  const found = await done(Array.from({ length: 8 * IN_FLIGHT }, (_, n) => ({ _id: `many-${n}`, type: 'order', state: 'new' })));
  assert.equal(Math.max(...found.map(({ most }) => most)), IN_FLIGHT);
});

test('two daemons with the same unsafe program: each document is handed to it once', async () => {
  const docs = Array.from({ length: 40 }, (_, n) => ({ _id: `parcel-${n}`, type: 'parcel', state: 'ready' }));
  for (const { _rev } of await done(docs)) assert.equal(_rev.split('-')[0], '2', 'saved once');
  assert.deepEqual(linesOf('acts').filter((id) => id.startsWith('parcel-')).sort(), docs.map(({ _id }) => _id).sort());
});

test('a daemon is killed with an unsafe run in hand: the other parks it, or with on_lost retry hands it out again, by the same key', async () => {
  const hangs = (id) => linesOf('hangs').filter((line) => line.startsWith(`${id} `)).map((line) => line.split(' '));
  /** The daemon that has both in hand. On a busy machine a beat comes late, and for some seconds two follow one database: then null. */
  const inHand = async (ids) => {
    const docs = ids.map((_id) => ({ _id, type: _id.split('-')[0], state: 'ready', hangs: true }));
    await daemon.request(`/${work}/_bulk_docs`, { method: 'POST', body: { docs } });
    await waitFor(() => ids.every((id) => hangs(id).length === 1), { ...LONG, what: 'both runs being in hand' })
      .catch((error) => { throw new Error(`${error.message}\n${daemon.output}\n${another.output}`); });
    const [first, second] = ids.map((id) => Number(hangs(id)[0][2]));
    return first === second ? [daemon, another].find(({ child }) => child.pid === first) : null;
  };
  let [parcel, charge, killed] = [];
  for (let n = 1; !killed && n <= 5; ++n) {
    [parcel, charge] = [`parcel-lost-${n}`, `charge-lost-${n}`];
    killed = await inHand([parcel, charge]);
  }
  assert.ok(killed, 'one daemon has the whole database');
  const left = killed === daemon ? another : daemon;
  await killed.kill();
  await waitFor(() => left.output.includes(`parked ${parcel} in`), { ...LONG, what: 'the run being parked' })
    .catch((error) => { throw new Error(`${error.message}\n${left.output}`); });
  const charged = await waitFor(async () => {
    const { body } = await left.request(`/${work}/${charge}`);
    return body.state === 'done' && body;
  }, { ...LONG, what: 'the run being done again' }).catch((error) => { throw new Error(`${error.message}\n${left.output}`); });
  assert.equal(charged._rev.split('-')[0], '2', 'saved once');
  assert.equal(hangs(parcel).length, 1);
  assert.equal((await left.request(`/${work}/${parcel}`)).body.state, 'ready');
  const [[, first, by], [, second, afterwards], ...more] = hangs(charge);
  assert.deepEqual([first === second, Number(by), Number(afterwards), more], [true, killed.child.pid, left.child.pid, []]);
});

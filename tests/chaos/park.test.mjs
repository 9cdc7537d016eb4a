// Unsafe handlers that park, in real processes: three workers (park_worker.cc), some of which are killed right at an act
// and one is stopped for longer than its lease. No act may ever happen twice; each document is paid, or parked
// with a reason.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { startCouch, waitFor } from '../lib/couch_server.mjs';
import { actedTwice } from './mails.mjs';
import { chances } from './plan.mjs';

const BUILD = process.env.CHANNELS_BUILD || fileURLToPath(new URL('../../build', import.meta.url));
const WORKER = join(BUILD, 'tests', 'park_worker');
const LEASE_S = 10;
const DOCUMENTS = 60;
const KILLS = 4;
const SETTLE_MS = 300000;

class Worker {
  acts = [];
  ready = false;
  constructor(env, args, onAct) {
    this.child = spawn(WORKER, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.output = '';
    this.child.stderr.on('data', (text) => { this.output += text; });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      if (line === 'ready') this.ready = true;
      const [, key] = /^act (\w+)$/.exec(line) ?? [];
      if (!key) return;
      this.acts.push(key);
      onAct(this);
    });
    this.closed = new Promise((resolve) => { this.child.once('close', resolve); });
  }
}

test('a handler that parks never acts twice, whoever is killed or paused', async (t) => {
  if (!existsSync(WORKER)) return t.skip(`${WORKER} is not built`);
  const seed = Number(process.env.CHANNELS_SEED ?? randomBytes(4).readUInt32LE());
  const chance = chances(seed);
  const server = await startCouch();
  const suffix = randomBytes(4).toString('hex');
  const [registry, database] = [`park-registry-${suffix}`, `park-shop-${suffix}`];
  const all = [];
  let kills = 0;
  let paused = null;
  const env = { ...process.env, COUCHDB_URL: server.url, COUCHDB_USER: server.user, COUCHDB_PASSWORD: server.password };
  const start = () => all.push(new Worker(env, ['--registry', registry, '--database', database, '--lease', String(LEASE_S)], strike));
  function strike(worker) {
    if (worker.struck || chance() > 0.2) return;
    if (kills < KILLS) {
      kills += 1;
      worker.struck = worker.child.kill('SIGKILL');
      start();
    } else if (!paused) {
      paused = worker;
      worker.struck = worker.child.kill('SIGSTOP');
      setTimeout(() => worker.child.kill('SIGCONT'), (LEASE_S + 8) * 1000);
    }
  }
  try {
    await server.request(`/${database}?q=1`, { method: 'PUT' });
    for (let n = 0; n < 3; n += 1) start();
    await waitFor(() => all.every(({ ready }) => ready), { timeout: 60000, what: 'three workers' });
    for (let n = 0; n < DOCUMENTS; n += 5) {
      const docs = Array.from({ length: 5 }, (_, i) => ({ _id: `charge-${n + i}`, type: 'charge', state: 'new' }));
      await server.request(`/${database}/_bulk_docs`, { method: 'POST', body: { docs } });
      await sleep(500);
    }
    const left = async () => {
      const { body: { rows } } = await server.request(`/${database}/_all_docs?include_docs=true`);
      const { body: failures } = await server.request(`/${registry}/_all_docs?include_docs=true&startkey="failure-"&endkey="failure-~"`);
      const parked = failures.rows.map(({ doc }) => doc).filter((doc) => doc.parked);
      const open = rows.filter(({ doc }) => doc.type === 'charge' && doc.state !== 'paid').map(({ id }) => id);
      return { parked, open: open.filter((id) => !parked.some((failure) => failure.id === id)) };
    };
    const seen = async () => (await left()).open.length === 0;
    await waitFor(seen, { timeout: SETTLE_MS, interval: 500, what: 'every document to be paid or parked' });
    // The paused one is back by now, and has had time to do harm.
    await sleep((LEASE_S + 8) * 1000);
    const { parked, open } = await left();
    const acts = all.flatMap((worker) => worker.acts);
    const notes = `CHANNELS_SEED=${seed}: ${acts.length} acts, ${parked.length} parked, ${kills} kills, ${paused ? 1 : 0} pauses`;
    t.diagnostic(notes);
    const output = all.map((worker) => worker.output).join('\n');
    assert.deepEqual(open, [], `${notes}\n${output}`);
    assert.deepEqual(actedTwice(acts), [], `${notes}\n${output}`);
    assert.equal(kills, KILLS, notes);
    assert.ok(parked.length >= 1, `a run that was cut off at its act is parked: ${notes}\n${output}`);
    assert.ok(parked.every(({ reason }) => reason), 'each says why');
    for (const worker of all.filter(({ struck }) => !struck)) {
      assert.equal(worker.child.exitCode, null, `a worker ended by itself:\n${worker.output}`);
    }
  } finally {
    for (const worker of all) worker.child.kill('SIGKILL');
    await Promise.all(all.map(({ closed }) => closed));
    for (const name of [registry, database]) await server.request(`/${name}`, { method: 'DELETE' });
    await server.close();
  }
});

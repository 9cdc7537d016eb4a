// What an operator calls by hand, beside the running daemon: status and retry.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { PROGRAM } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const call = (...args) => operatorCall(world.daemon, ...args);
const status = async () => JSON.parse((await call('status', '--json')).stdout);

/** A registration at whose mail the last attempt but one has failed already. */
async function nearlyParked(owner) {
  const device = world.device(owner);
  world.mail.reject = () => ({ code: 451, message: 'later' });
  await device.register();
  const { body: { _rev: rev } } = await world.daemon.request(`/${world.daemon.names.handshake_db}/${device.id}`);
  const database = world.daemon.names.handshake_db;
  const id = `revisit-${createHash('sha256').update(`${database}\n${device.id}`).digest('hex')}`;
  // The daemon has it in hand after its own first attempt; so it is stopped before the record is put.
  await waitFor(() => world.daemon.output.includes(`attempt 1 at ${device.id}`));
  await world.daemon.stop();
  const failure = { time: '2026-01-01T00:00:00Z', reason: 'the mail server said no' };
  await world.daemon.request(`/${world.daemon.names.registry_db}/${id}`, {
    method: 'PUT',
    body: { type: 'revisit', database, id: device.id, due: '2026-01-01T00:00:00Z', attempts: { rev, count: 11, history: [failure] } },
  });
  world.daemon.start();
  await world.daemon.waitUntilReady();
  return device;
}

test('status names the worker and what is parked, and retry brings it back', async () => {
  const device = await nearlyParked('parked@example.com');
  await waitFor(() => world.daemon.output.includes(`parked ${device.id}`));

  const { workers, parked } = await status();
  assert.equal(workers.filter(({ alive }) => alive).length, 1);
  assert.ok(workers.some(({ place }) => place.endsWith(` ${world.daemon.child.pid}`)));
  assert.equal(parked.length, 1);
  const [failure] = parked;
  assert.equal(failure.id, device.id);
  assert.equal(failure.rule, 'device/new');
  assert.equal(failure.attempts, 12);
  assert.equal(failure.first_time, '2026-01-01T00:00:00Z');
  assert.match(failure.reason, /451|later/i);

  const text = (await call('status')).stdout;
  assert.match(text, new RegExp(`parked ${device.id} in .* 12 attempts`));
  assert.match(text, /no backlog/);

  world.mail.reject = null;
  const wrong = await call('retry', 'no-such-id');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stdout, /nothing is parked with that id/);
  const right = await call('retry', device.id);
  assert.equal(right.code, 0, right.stderr);
  await device.waitFor('confirming');
  assert.deepEqual((await status()).parked, []);
});

test('a parked document that has moved on is parked no longer', async () => {
  const device = await nearlyParked('moved@example.com');
  await waitFor(() => world.daemon.output.includes(`parked ${device.id}`));
  world.mail.reject = null;
  const path = `/${world.daemon.names.handshake_db}/${device.id}`;
  const { body } = await world.daemon.request(path);
  await world.daemon.request(path, { method: 'PUT', body });  // the same once more: a new revision
  await device.waitFor('confirming');
  assert.deepEqual((await status()).parked, []);
  assert.equal((await call('retry', '--all')).stdout, 'nothing is parked\n');
});

test('without a worker status says so, and what to look at', async () => {
  await world.daemon.stop();
  const { code, stdout } = await call('status');
  assert.equal(code, 1);
  assert.match(stdout, /no worker is alive.*local\.ini/);
  world.daemon.start();
  await world.daemon.waitUntilReady();
});

test('bad calls are told what is wrong, with exit code 2', async () => {
  assert.equal((await call('retry')).code, 2);
  const { code, stderr } = await promisify(execFile)(PROGRAM, ['status', '--ini', '/nonexistent.ini']).catch((error) => error);
  assert.equal(code, 2);
  assert.match(stderr, /nonexistent\.ini/);
});

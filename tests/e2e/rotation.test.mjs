// A device changes its own secret, and nobody else's.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { newCredential } from '../lib/device.mjs';
import { request, waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const rotateDoc = (device, number, verifier) => ({
  _id: `rotate-${device.id}-${number}`, type: 'rotate', state: 'new', credential: verifier,
});
const write = (device, doc) => device.request(`${world.handshake}/${doc._id}`, { method: 'PUT', body: doc });
const ended = (doc) => waitFor(async () => {
  const { body } = await request(`${world.handshake}/${doc._id}`);
  return (body.state === 'done' || body.state === 'error') && body;
});
const logsIn = async (device, secret) =>
  (await request(device.control, { auth: { user: device.username, password: secret } })).status === 200;
// CouchDB keeps what it knows of a user for up to a second.
const soon = (device, secret) => waitFor(() => logsIn(device, secret), { what: 'the log-in by the new secret' });

test('the new secret logs in, the old one no longer; the document keeps neither', async () => {
  const device = await world.activate(world.device('rotate@example.com'));
  const first = newCredential();
  const doc = rotateDoc(device, 1, first.verifier);
  assert.equal((await write(device, doc)).status, 201);
  const done = await ended(doc);
  assert.equal(done.state, 'done');
  assert.equal(done.credential, undefined);
  await soon(device, first.secret);
  assert.equal(await logsIn(device, device.secret), false);
  device.secret = first.secret;

  // The next number, and only that.
  const late = rotateDoc(device, 3, newCredential().verifier);
  await write(device, late);
  assert.equal((await ended(late)).error.error, 'wrong_number');
  const second = newCredential();
  const next = rotateDoc(device, 2, second.verifier);
  await write(device, next);
  assert.equal((await ended(next)).state, 'done');
  await soon(device, second.secret);
  const { body: record } = await world.daemon.request(`/${world.daemon.names.registry_db}/device-${device.id}`);
  assert.equal(record.credential, undefined);
});

test('only the device itself may write it', async () => {
  const device = await world.activate(world.device('rotate-a@example.com'));
  const other = await world.activate(world.device('rotate-b@example.com'));
  const doc = rotateDoc(device, 1, newCredential().verifier);
  assert.equal((await write(other, doc)).status, 403);
  assert.equal((await world.stranger(`/${doc._id}`, { method: 'PUT', body: doc })).status, 403);
  const { body } = await world.stranger('/_bulk_docs', { method: 'POST', body: { new_edits: false, docs: [{ ...doc, _rev: `1-${'f'.repeat(32)}` }] } });
  assert.equal(body[0].error, 'forbidden');
});

test('killed at any moment, the device can always log in with one of its two secrets', async () => {
  const device = await world.activate(world.device('rotate-kill@example.com'));
  let number = 0;
  for (const delay of [0, 15, 30, 60]) {
    number += 1;
    const fresh = newCredential();
    const doc = rotateDoc(device, number, fresh.verifier);
    await write(device, doc);
    await new Promise((resolve) => setTimeout(resolve, delay));
    await world.daemon.kill();
    assert.ok(await logsIn(device, device.secret) || await logsIn(device, fresh.secret));
    world.daemon.start();
    await world.daemon.waitUntilReady();
    assert.equal((await ended(doc)).state, 'done');
    await soon(device, fresh.secret);
    device.secret = fresh.secret;
  }
});

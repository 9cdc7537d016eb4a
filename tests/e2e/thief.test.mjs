// A device in a thief's hands against the reader of the mailbox, who outranks every device.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { YES_ALONE } from '../lib/device.mjs';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const isRefused = async (device) => (await device.request(device.control)).status === 401;

/** Branches of a document, as a replication would bring them. */
async function plant(thief, docs) {
  const { status } = await thief.request(`${thief.control}/_bulk_docs`, { method: 'POST', body: { new_edits: false, docs } });
  assert.equal(status, 201);
}

test('a thief who revokes all others at once, and the next one before it is there, loses to the mailbox', async () => {
  const owner = 'robbed@example.com';
  const [phone, laptop, thief] = [await world.activate(world.device(owner)), await world.activate(world.device(owner)), await world.activate(world.device(owner))];
  await Promise.all([phone, laptop].map(async (other) => {
    const doc = await world.get(thief, other.id);
    assert.equal((await world.put(thief, { ...doc, state: 'revoke', wipe: true })).status, 201);
  }));
  for (const other of [phone, laptop]) await waitFor(() => isRefused(other), { what: 'the others being locked out' });
  await world.mail.next({ to: owner, subject: /signed out/ });

  // Registrations are public: he sees the new device's id before it is confirmed.
  const fresh = await world.register(world.device(owner, { name: 'new phone' }));
  const revoke = { _id: fresh.id, type: 'device', state: 'revoke', name: 'not yours' };
  await plant(thief, ['a', 'b', 'f'].map((digit) => ({ ...revoke, _rev: `1-${digit.repeat(32)}` })));
  await plant(thief, [{ ...revoke, _rev: `900-${'e'.repeat(32)}` }, { ...revoke, state: 'revoked', _rev: `900-${'c'.repeat(32)}` },
    { ...revoke, _deleted: true, _rev: `950-${'d'.repeat(32)}` }]);
  await world.seen(thief, fresh.id, ({ state }) => state === 'error');
  await plant(thief, [{ ...revoke, _rev: `901-${'9'.repeat(32)}` }]);

  await world.activate(fresh, YES_ALONE);
  assert.ok(await isRefused(thief));
  assert.equal((await thief.waitFor('revoked')).state, 'revoked');
  await sleep(5000);  // whatever he left is looked at meanwhile
  assert.equal((await fresh.read()).state, 'active');
  assert.equal(await isRefused(fresh), false);
  const states = await Promise.all([fresh, thief, phone, laptop].map(({ id }) => world.seen(fresh, id, ({ state }) => state !== 'revoke')));
  assert.deepEqual(states.map(({ state }) => state), ['active', 'revoked', 'revoked', 'revoked']);
  assert.equal((await thief.request(`${thief.control}/${fresh.id}`, { method: 'PUT', body: { ...states[0], state: 'revoke' } })).status, 401);
});

test('two new devices that both sign out all others at the same time: whoever stays works, and nobody is stuck', async () => {
  const owner = 'both@example.com';
  const old = await world.activate(world.device(owner));
  const fresh = [await world.register(world.device(owner, { name: 'one' })), await world.register(world.device(owner, { name: 'two' }))];
  const answers = await Promise.all(fresh.map((device) => world.confirm(world.confirmOf(device, YES_ALONE))));
  assert.deepEqual(answers.map(({ state }) => state), ['used', 'used']);
  const ends = await Promise.all(fresh.map((device) => waitFor(async () => {
    const doc = await device.read();
    return ['active', 'revoked'].includes(doc.state) && doc;
  }, { what: 'an end' })));
  await sleep(3000);  // one may sign out the other after it was active
  const states = (await Promise.all(fresh.map((device) => device.read()))).map(({ state }) => state);
  assert.ok(states.includes('active'), `${ends.map(({ state }) => state)} -> ${states}`);
  const url = (await fresh[states.indexOf('active')].read()).syncpoint;
  for (const [n, device] of fresh.entries()) {
    device.control = url;
    await waitFor(async () => await isRefused(device) === (states[n] === 'revoked'), { what: `a log-in as ${states[n]} has it` });
  }
  assert.equal((await old.read()).state, 'revoked');
  assert.ok(await isRefused(old));
});

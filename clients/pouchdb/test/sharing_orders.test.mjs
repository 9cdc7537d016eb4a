// Three people with two devices each do everything that can be done about sharing, in an order drawn from a seed, with their cables pulled and plugged
// in between. Once all are back, `_security`, every copy and every device say what the registry says, and nobody gets in who should not.
//   CHANNELS_SEED=7 node --test clients/pouchdb/test/sharing_orders.test.mjs      another order; CHANNELS_STEPS=80: a longer one

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chances } from '../../../tests/chaos/plan.mjs';
import { startWorld } from '../../../tests/lib/world.mjs';
import { Cable, closeAll, newDevice, waitFor } from './people.mjs';
import { ANSWERS, STEPS } from './sharing_steps.mjs';
import { Truth, isPending } from './sharing_truth.mjs';

const SEEDS = process.env.CHANNELS_SEED ? [Number(process.env.CHANNELS_SEED)] : [1, 2, 3];
const MOST_STEPS = Number(process.env.CHANNELS_STEPS ?? 50);
const MOST_CHANNELS = 5;
const MOST_TRIES = 500;
const LONG = { timeout: 90000, interval: 500 };
// What the calls of an app reject with where another device was faster.
const TOO_LATE = ['too_late', 'bad_state', 'unknown_channel', 'unknown_group', 'unknown_invitation', 'unknown_link', 'not_active'];

/** {address, user, devices: [{id, name, device, cable, control, logIn, unplugged}], gone}. */
async function newPerson(world, directory, name, seed) {
  const address = `${name}-${seed}@example.com`;
  const devices = [];
  for (const kind of ['phone', 'tablet']) {
    const cable = new Cable();
    const device = await newDevice(world, address, `${name}'s ${kind}`, { fetch: cable.fetch, directory, allowWipe: kind === 'tablet' });
    const home = new device.disk.PouchDB('channels-device');
    const { record: { username, secret } } = await home.get('_local/device');
    devices.push({ id: device.id, name: `${name}'s ${kind}`, device, cable, control: new device.disk.PouchDB('channels-control'), logIn: { user: username, password: secret } });
  }
  return { address, user: devices[0].device.status.user, devices, gone: new Set() };
}

function drawing(seed) {
  const chance = chances(seed);
  return { chance, one: (list) => list[Math.floor(chance() * list.length)] };
}

function setPlugged(at, plugged) {
  if (plugged) at.cable.plug();
  else at.cable.unplug();
  at.unplugged = !plugged;
  at.device.kick();
}

/** Pulls a cable, or plugs it. */
function pull({ people, draw }) {
  const at = draw.one(draw.one(people).devices);
  setPlugged(at, at.unplugged);
  return `${at.name}: ${at.unplugged ? 'unplugged' : 'plugged'}`;
}

/** One step of somebody's, in words; null if nothing could be done. */
async function act({ people, draw, pool, isLate }) {
  const person = draw.one(people);
  const at = draw.one(person.devices);
  if (at.device.status.state !== 'active') return null;
  // Of three the one that was done least often: what can be done seldom is done when it can.
  const timesOf = (step) => pool.times.get(step) ?? 0;
  const drawn = [draw.one(STEPS), draw.one(STEPS), draw.one(STEPS)].sort((left, right) => timesOf(left) - timesOf(right));
  const step = draw.chance() < 0.25 ? draw.one(ANSWERS) : drawn[0];
  // Not as the first thing: half of what there is to do would be gone.
  const scene = { device: at.device, mayRevoke: isLate && pool.revoked === null, others: people.filter((other) => other !== person), draw, pool };
  const done = await step(scene).catch((error) => {
    if (TOO_LATE.includes(error.error)) return `refused: ${error.error}`;
    throw error;
  });
  if (pool.revoked && !person.gone.has(pool.revoked) && person.devices.some(({ id }) => id === pool.revoked)) person.gone.add(pool.revoked);
  if (done) pool.times.set(step, timesOf(step) + 1);
  return done && `${at.name}: ${done}`;
}

/** Time for answers, half the time: so that some wishes build upon others, and some race them. */
async function meanwhile({ people, draw }) {
  if (draw.chance() < 0.5) return;
  const online = people.flatMap(({ devices }) => devices).filter(({ device }) => device.status.online);
  const isAnswered = async ({ control }) => (await control.allDocs({ include_docs: true })).rows.every(({ doc }) => !isPending(doc));
  // What waits for a device that is away is answered later.
  await Promise.all(online.map((at) => waitFor(() => isAnswered(at), { timeout: 5000 }).catch(() => {})));
}

async function settle(world, directory, people) {
  for (const at of people.flatMap(({ devices }) => devices)) setPlugged(at, true);
  let faults = [];
  const read = async () => {
    for (const { device } of people.flatMap(({ devices }) => devices)) device.kick();
    const truth = await Truth.read(world, people, directory);
    faults = await truth.faults();
    return faults.length === 0 && truth;
  };
  const truth = await waitFor(read, { ...LONG, what: 'everything to settle' }).catch((error) => assert.fail(`${error.message} ${error.cause?.stack ?? ''}\n${faults.join('\n')}`));
  assert.deepEqual(await truth.trespasses(), []);
  return truth;
}

for (const seed of SEEDS) {
  test(`all calls, in the order of seed ${seed}, with cables pulled and plugged`, async (t) => {
    const directory = `d${randomBytes(4).toString('hex')}-directory`;
    const world = await startWorld({ channels: { directory_db: directory } });
    const draw = drawing(seed);
    const pool = { made: 0, groups: 0, most: MOST_CHANNELS, links: [], listed: [], revoked: null, times: new Map() };
    const people = [];
    const steps = [];
    const told = () => `CHANNELS_SEED=${seed}\n${steps.join('\n')}`;
    try {
      for (const name of ['alice', 'bob', 'carol']) people.push(await newPerson(world, directory, name, seed));
      for (let step = 1; step <= MOST_STEPS; step += 1) {
        const scene = { people, draw, pool, isLate: step > MOST_STEPS / 2 };
        let done = draw.chance() < 0.25 ? pull(scene) : null;
        for (let tries = 0; !done && tries < MOST_TRIES; tries += 1) done = await act(scene);
        assert.ok(done, 'there is nothing left to do');
        steps.push(`${step}. ${done}`);
        await meanwhile(scene);
      }
      const truth = await settle(world, directory, people);
      t.diagnostic(`${told()}\n${truth.of('channel').length} channels, ${truth.of('group').length} groups`);
    } catch (error) {
      error.message += `\n${told()}`;
      throw error;
    } finally {
      await closeAll(people.flatMap(({ devices }) => devices.map(({ device }) => device)));
      await world.daemon.request(`/${directory}`, { method: 'DELETE' });
      await world.close();
    }
  });
}

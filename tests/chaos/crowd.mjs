// Devices and the persons behind them: each registers, shows its code, has its mail answered with the right proof,
// logs in, and makes one channel. Every request is patient; every step is written down, so that one that is stuck
// says where. Most persons have one device; some add a second one when the first is done.

import { setTimeout as sleep } from 'node:timers/promises';
import { Device, YES, confirmDocument } from '../lib/device.mjs';
import { request } from '../lib/net.mjs';
import { newChannelId } from '../lib/world.mjs';
import { patiently, seen } from './patience.mjs';
import { rank } from './watch.mjs';

const SECOND_EVERY = 5;
const BATCH = 5;

export class Crowd {
  devices = [];
  // When whoever is not done yet is stuck. Not while things still go wrong.
  until = Infinity;

  constructor({ fleet, watch }) {
    Object.assign(this, { fleet, watch });
  }

  /** `count` devices in batches, the last of which comes after `seconds`; answers when all are done or stuck. */
  async arrive(count, seconds) {
    const lives = [];
    const batches = Math.ceil(count / BATCH);
    for (let made = 0; made < count; made += BATCH) {
      for (let n = made; n < Math.min(made + BATCH, count); n += 1) lives.push(this.live(this.#newDevice()));
      await sleep(seconds * 1000 / batches);
    }
    await Promise.all(lives);
  }

  #newDevice() {
    const number = this.devices.length;
    const known = number % SECOND_EVERY === SECOND_EVERY - 1 && this.devices.find(({ done, hasSecond }) => done && !hasSecond);
    if (known) known.hasSecond = true;
    return this.newDevice(known ? known.owner : `person-${number}@example.com`);
  }

  newDevice(owner) {
    const device = new Device({ handshake: this.fleet.handshake, owner, name: `device ${this.devices.length}` });
    device.began = Date.now();
    this.devices.push(device);
    return device;
  }

  /** The whole life of one; never throws: `done` or `stuck` says how it went. */
  async live(device) {
    try {
      await this.#register(device);
      await this.#confirm(device);
      await this.#logIn(device);
      await this.#makeChannel(device);
      device.done = Date.now();
    } catch (error) {
      const doc = this.watch.docs.get(device.id);
      device.stuck = `${device.owner} (${device.id}): ${device.step}; its document: ${doc?.state} ${JSON.stringify(doc?.error ?? '')}; ` +
        `${error.message}${error.cause ? ` (${error.cause.message})` : ''}`;
    }
    return device;
  }

  async #register(device) {
    device.step = 'registering';
    await this.#put(() => device.register(), device.id);
    device.step = 'waiting for "confirming"';
    await this.#state(device.id, 'confirming');
    const { body } = await this.#patiently(() => request(`${this.fleet.handshake}/${device.id}`));
    device.deviceCode = body.device_code;
  }

  async #confirm(device) {
    device.step = 'waiting for its mail';
    const [{ subject, code }] = await this.#seen(() => {
      const copies = this.fleet.post.confirmationsOf(device.id);
      return copies.length > 0 && copies;
    }, 'a mail');
    const doc = confirmDocument({ subject, code, answer: YES, deviceCode: device.deviceCode });
    device.step = 'confirming';
    await this.#put(() => request(`${this.fleet.handshake}/${doc._id}`, { method: 'PUT', body: doc }), doc._id);
    device.step = 'waiting for its confirm being "used"';
    await this.#state(doc._id, 'used');
    device.step = 'waiting for "active"';
    const active = await this.#state(device.id, 'active');
    Object.assign(device, { control: active.syncpoint, user: active.user, activated: Date.now() });
  }

  async #logIn(device) {
    device.step = 'logging in';
    const { status, text, body } = await this.#patiently(() => device.request(`${device.control}/${device.id}`));
    if (status !== 200 || body.state !== 'active') throw new Error(`${status} ${text}`);
  }

  async #makeChannel(device) {
    device.channel = newChannelId();
    device.step = 'making a channel';
    const ready = await this.makeChannel(device, device.channel);
    device.step = 'reading its channel';
    const { status, text } = await this.#patiently(() => device.request(`${ready.syncpoint}/description`));
    if (status !== 200) throw new Error(`${status} ${text}`);
  }

  /** Until it is ready; answers its document. */
  async makeChannel(device, id, options = {}) {
    const url = `${device.control}/${id}`;
    const body = { _id: id, type: 'channel', state: 'new', name: `channel ${id}` };
    await this.#put(() => device.request(url, { method: 'PUT', body }), id);
    const doc = await this.#seen(async () => {
      const { body: current } = await device.request(url);
      return ['ready', 'error'].includes(current?.state) && current;
    }, 'a ready channel', { interval: 1000, ...options });
    if (doc.state === 'error') throw new Error(`channel ${id}: ${JSON.stringify(doc.error)}`);
    return doc;
  }

  /** Writes a new document. A conflict is an answer that was lost: ids are nobody else's. */
  async #put(write, id) {
    const { status, text } = await this.#patiently(write);
    if (status !== 201 && status !== 202 && status !== 409) throw new Error(`writing ${id}: ${status} ${text}`);
  }

  #state(id, state) {
    return this.#seen(() => {
      const doc = this.watch.docs.get(id);
      if (doc?.state === 'error') throw new Error(`error: ${JSON.stringify(doc.error)}`);
      return doc && rank(doc) >= rank({ type: doc.type, state }) && doc;
    }, `"${state}"`, { interval: 200 });
  }

  #seen(look, what, options) {
    return seen(look, what, { until: () => this.until, ...options });
  }

  #patiently(call) {
    return patiently(call, { until: Date.now() + 120000 });
  }
}

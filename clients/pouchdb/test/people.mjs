// What the tests of this folder share: devices with this plug-in in this process, their persons, who read mails and type
// codes, and the comparison of whole databases.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { confirm, confirmDocument, YES } from '../../../tests/lib/device.mjs';
import { linkIn, LINK } from '../../../tests/lib/mail_sink.mjs';
import { request, waitFor } from '../../../tests/lib/net.mjs';
import Channels from '../index.js';

const require = createRequire(new URL('../../../tests/package.json', import.meta.url));
export const PouchDB = require('pouchdb');
PouchDB.plugin(Channels);

export const PATIENT = { timeout: 60000 };

/** A place for databases on disk, as a device has one: it outlives the device being closed. `remove()` at the end. */
export function newDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'channels-pouch-'));
  return { folder, PouchDB: PouchDB.defaults({ prefix: `${folder}/on-disk-` }), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A device's way to the network, which a test can cut: what is under way then fails, as it does on a train. */
export class Cable {
  #plugged = true;
  #underWay = new Set();
  requests = 0;

  unplug() {
    this.#plugged = false;
    for (const controller of this.#underWay) controller.abort();
  }

  plug() {
    this.#plugged = true;
  }

  fetch = async (url, options = {}) => {
    this.requests += 1;
    if (!this.#plugged) throw new TypeError('the network is unreachable');
    const controller = new AbortController();
    this.#underWay.add(controller);
    options.signal?.addEventListener('abort', () => controller.abort(), { once: true });
    if (options.signal?.aborted) controller.abort();
    // What it answers is read to its end: a cut in the middle fails there.
    return PouchDB.fetch(url, { ...options, signal: controller.signal });
  };
}

/** The device on that disk; collects the events that tests look at in `device.heard`. */
export async function openDevice(world, disk, options = {}) {
  const device = await disk.PouchDB.channels({ server: world.server.url, handshake: world.daemon.names.handshake_db, ...options });
  device.heard = { errors: [], states: [], codes: [], revoked: [], channels: [], syncs: [] };
  device.on('error', (error) => device.heard.errors.push(error));
  device.on('state', (status) => device.heard.states.push(status.state));
  device.on('code', (code) => device.heard.codes.push(code));
  device.on('revoked', (how) => device.heard.revoked.push(how));
  device.on('channel', (channel) => device.heard.channels.push(channel));
  device.on('sync', (channel) => device.heard.syncs.push(channel));
  return device;
}

export const stateIs = (device, state) => waitFor(() => device.status.state === state, { ...PATIENT, what: `state "${state}" (it is ${device.status.state})` });

/** What a person does: reads the mail, types the code that the device shows. */
export async function confirmInMail(world, device, owner, answer = YES) {
  const mail = await world.mail.next({ to: owner, text: LINK, timeout: 60000 });
  await stateIs(device, 'confirming');
  const answered = await confirm(world.handshake, confirmDocument({ ...linkIn(mail), answer, deviceCode: device.status.code }));
  assert.equal(answered.state, 'used', JSON.stringify(answered));
}

/** Through the whole loop. */
export async function pair(world, device, owner, name) {
  const active = device.register({ owner, name });
  await confirmInMail(world, device, owner);
  await active;
  return device;
}

/** A new device of that person, paired; with `disk` and `cable`. */
export async function newDevice(world, owner, name, options) {
  const [disk, cable] = [newDisk(), new Cable()];
  const device = await openDevice(world, disk, { fetch: cable.fetch, ...options });
  await pair(world, device, owner, name);
  return Object.assign(device, { disk, cable });
}

export async function closeAll(devices) {
  for (const device of devices.filter(Boolean)) {
    await device.close();
    device.disk?.remove();
  }
}

export const channelNamed = (device, name) => device.channels().find((channel) => channel.name === name);

/** Until the device has a channel of that name which the daemon made, and which is subscribed. */
export function hasChannel(device, name, subscription = 'active') {
  return waitFor(() => {
    const channel = channelNamed(device, name);
    return channel?.state === 'ready' && channel.subscription === subscription && channel;
  }, { ...PATIENT, what: `the channel "${name}", ${subscription}` });
}

export function hasDoc(database, id, when = () => true) {
  return waitFor(async () => {
    const doc = await database.get(id).catch(() => null);
    return doc && when(doc) && doc;
  }, { ...PATIENT, what: `the document ${id}` });
}

/** All leaves of all documents with the digests of their attachments, as text: what has to be equal everywhere. */
export async function contentOf(url, options) {
  const database = new PouchDB(url, { skip_setup: true, ...options });
  return contentOfDatabase(database).finally(() => database.close());
}

export async function contentOfDatabase(database) {
  const { results } = await database.changes({ style: 'all_docs', since: 0, include_docs: true });
  const lines = results.filter(({ id }) => !id.startsWith('_design/')).map(({ id, changes, doc }) => {
    const attachments = Object.entries(doc._attachments ?? {}).map(([name, { digest, length }]) => [name, digest, length]).sort();
    const { _attachments, _rev, ...content } = doc;
    return JSON.stringify([id, changes.map(({ rev }) => rev).sort(), sorted(content), attachments]);
  });
  return lines.sort();
}

export function sorted(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** The channel in the cloud and on each device: equal, document by document. Gives how many there are. */
export async function assertSame(world, name, devices) {
  const { id } = channelNamed(devices[0], name);
  await Promise.all(devices.map((device) => device.sync(name)));
  await Promise.all(devices.map((device) => device.sync(name)));
  const cloud = await contentOf(`${world.server.url}/${world.daemon.names.channel_prefix}${id}`, { auth: { username: world.server.user, password: world.server.password } });
  for (const device of devices) assert.deepEqual(await contentOfDatabase(device.channel(name)), cloud, `${name} on ${device.status.name}`);
  return cloud.length;
}

export { request, waitFor };

// Users who share channels, by documents alone:
//   const alice = await person(world, 'alice@example.com');
//   const sent = await alice.invite(channel._id, 'bob@example.com', 'writer');

import { randomBytes } from 'node:crypto';
import { waitFor } from './net.mjs';

export async function person(world, address, { devices = 1, ...more } = {}) {
  const all = [];
  for (let i = 0; i < devices; i++) all.push(await world.activate(world.device(address, { name: `device ${i + 1}`, ...more })));
  return new Person(world, address, all);
}

class Person {
  constructor(world, address, devices) {
    Object.assign(this, { world, address, devices, device: devices[0], user: devices[0].user });
  }

  get role() {
    return `user:${this.user}`;
  }

  get(id, device = this.device) {
    return this.world.get(device, id);
  }

  seen(id, when, { device = this.device, ...options } = {}) {
    return this.world.seen(device, id, when, options);
  }

  /** Until the document is in one of these states. */
  settled(id, states, options) {
    return this.seen(id, ({ state }) => states.includes(state), options);
  }

  async put(doc) {
    const { status, text, body } = await this.world.put(this.device, doc);
    if (status !== 201) throw new Error(`${doc._id}: ${status} ${text}`);
    return body;
  }

  /** Gives the document as it is once it was mailed or refused. */
  async invite(channel, to, access = 'writer', more = {}) {
    const doc = { _id: `to-${randomBytes(8).toString('hex')}`, type: 'invitation', state: 'new', channel, to, access, ...more };
    await this.put(doc);
    return this.settled(doc._id, ['sent', 'error']);
  }

  /** The invitation to this channel that he got last, once it is there. */
  async invitation(channel, options) {
    return waitFor(async () => {
      const { body } = await this.device.request(`${this.device.control}/_all_docs?include_docs=true&startkey="invitation-"&endkey="invitation-g"`);
      return body.rows?.map(({ doc }) => doc).find((doc) => doc.channel === channel && doc.state === 'received');
    }, { what: `an invitation to ${channel}`, ...options });
  }

  /** Sets the state of a document, as one of his devices; gives it as it is once the daemon has settled it. */
  async say(doc, state, settled) {
    await this.put({ ...doc, state });
    return this.settled(doc._id, settled);
  }

  async accept(channel) {
    const invitation = await this.invitation(channel);
    await this.say(invitation, 'accept', ['accepted']);
    return this.seen(channel, ({ state }) => state === 'ready');
  }

  /** A member document; gives it once it is done or refused. */
  async change(state, channel, more = {}) {
    const doc = { _id: `member-${randomBytes(8).toString('hex')}`, type: 'member', state, channel, ...more };
    await this.put(doc);
    return this.settled(doc._id, ['done', 'error']);
  }

  /** What a request to the channel's database as his first device answers. */
  async ask(channel, path = '', options = {}) {
    return this.device.request(`${channelUrl(this.world, channel)}${path}`, options);
  }
}

export function channelUrl(world, channel) {
  return `${world.server.url}/${world.daemon.names.channel_prefix}${channel}`;
}

/** As an admin. */
export async function security(world, channel) {
  const { body } = await world.daemon.request(`/${world.daemon.names.channel_prefix}${channel}/_security`);
  return body;
}

/** What anybody could try on a channel's database: [what, path, options]. */
export const READS = [
  ['info', ''], ['document', '/note'], ['all', '/_all_docs?include_docs=true'], ['changes', '/_changes?include_docs=true'],
  ['find', '/_find', { method: 'POST', body: { selector: {} } }], ['security', '/_security'], ['design document', '/_design/channels'],
  ['bulk get', '/_bulk_get', { method: 'POST', body: { docs: [{ id: 'note' }] } }], ['revisions', '/note?open_revs=all'],
  ['attachment', '/note/file.txt'], ['view', '/_all_docs/queries', { method: 'POST', body: { queries: [{}] } }],
];
export const WRITES = [
  ['new document', '/mine', { method: 'PUT', body: { a: 1 } }], ['post', '', { method: 'POST', body: { a: 1 } }],
  ['bulk', '/_bulk_docs', { method: 'POST', body: { docs: [{ _id: 'mine' }] } }],
  ['replicated', '/_bulk_docs', { method: 'POST', body: { new_edits: false, docs: [{ _id: 'mine', _rev: `9-${'a'.repeat(32)}` }] } }],
  ['attachment', '/mine/file.txt', { method: 'PUT', body: 'x' }], ['design document', '/_design/mine', { method: 'PUT', body: {} }],
  ['security', '/_security', { method: 'PUT', body: {} }], ['purge', '/_purge', { method: 'POST', body: { note: ['1-a'] } }],
];

/** An answer to one of these tries by which nothing was told and nothing taken. */
export function isRefused(name, { status, text }) {
  if (status === 401 || status === 403) return true;
  // What comes by _bulk_docs is answered one by one.
  // "no_majority" is CouchDB's word for a _security that no shard lets him write.
  return (status < 300 && text.includes('"forbidden"')) || (name === 'security' && text.includes('no_majority'));
}

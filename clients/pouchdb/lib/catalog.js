// What the local control database says, kept up to date in memory: channels, subscriptions, devices, the doorbell. So an
// app's questions are answered at once, offline too. Whatever a document is missing or has wrong, it is read as far as it goes.

import { Emitter } from './emitter.js';

/** Of channels of one name the first is meant; one that is deleted has no name any more. */
const NAMED = ['ready', 'archived', 'archive', 'reopen', 'delete', 'undelete', 'new'];
export const CHANNEL_ID = /^[a-z0-9-]{16,64}$/;

/** Event: 'change' (doc), after the catalog has it. */
export class Catalog extends Emitter {
  #database;
  #changes = null;
  #docs = new Map();

  constructor(database) {
    super();
    this.#database = database;
  }

  async load() {
    const { update_seq: since } = await this.#database.info();
    const { rows } = await this.#database.allDocs({ include_docs: true });
    for (const { doc } of rows) this.#docs.set(doc._id, doc);
    this.#changes = this.#database.changes({ live: true, since, include_docs: true });
    this.#changes.on('change', ({ doc }) => this.#take(doc));
    this.#changes.on('error', () => {});
  }

  #take(doc) {
    if (doc._deleted) this.#docs.delete(doc._id);
    else this.#docs.set(doc._id, doc);
    this.emit('change', doc);
  }

  close() {
    this.#changes?.cancel();
  }

  /** The database was made anew. */
  async reload(database) {
    this.close();
    this.#database = database;
    this.#docs.clear();
    await this.load();
  }

  /** A document that is being saved: questions about it are answered as if it were. */
  expect(doc) {
    this.#docs.set(doc._id, doc);
  }

  get(id) {
    return this.#docs.get(id);
  }

  all(type) {
    return [...this.#docs.values()].filter((doc) => doc.type === type);
  }

  channels() {
    return this.all('channel').filter(({ _id }) => CHANNEL_ID.test(_id));
  }

  /**
   * The channel to which this user gave that name: the one that the daemon took, else the first of those that wait for it. What others named so and share
   * with him is another channel: else whoever shares a channel could have private data put into it.
   */
  channelNamed(name, user) {
    const isOwn = ({ named_by: namer }) => namer === undefined || namer === user;
    const rank = ({ state }) => NAMED.indexOf(state);
    return this.channels().filter((doc) => doc.name === name && isOwn(doc) && rank(doc) !== -1)
      .sort((a, b) => rank(a) - rank(b) || (a._id < b._id ? -1 : 1))[0];
  }

  subscription(channelId, user) {
    const doc = this.#docs.get(subscriptionId(channelId, user));
    return doc?.type === 'subscription' ? doc : undefined;
  }

  subscriptions(user) {
    return this.all('subscription').filter(({ _id, channel }) => CHANNEL_ID.test(channel) && _id === subscriptionId(channel, user));
  }

  /** {channel id: an opaque value that differs from before if the channel changed}. */
  doorbell() {
    const { channels } = this.#docs.get('doorbell') ?? {};
    return channels !== null && typeof channels === 'object' ? channels : {};
  }

  /** Saves fields of a document that is here, or makes it of `fresh`. The daemon and other devices may write in between. */
  async edit(id, change, fresh) {
    for (;;) {
      const found = await this.#database.get(id).catch((error) => {
        if (error.status === 404 && fresh) return { _id: id, ...fresh };
        throw error;
      });
      const next = { ...found, ...change(found) };
      try {
        await this.#database.put(next);
        return next;
      } catch (error) {
        if (error.status !== 409) throw error;
      }
    }
  }
}

export function subscriptionId(channelId, user) {
  return `${channelId}-sub-${user}`;
}

/** What members of a channel or group see of each other; null for who is in none. */
export function shownIn({ access, shows }) {
  return shows ?? (access ? 'nothing' : null);
}

/** How many members there are, of whom the document may list only the first; null for who is in none. A document of an older daemon has no count. */
export function memberCountIn({ members, member_count: count }) {
  return count ?? (Array.isArray(members) ? members.length : null);
}

// An app's questions and wishes about channels: by name or id, answered from the catalog, offline too. What is wished before
// this device knows whose it is waits in its record. Used by device.js.

import { CHANNEL_ID, memberCountIn, shownIn, subscriptionId } from './catalog.js';
import { randomHex } from './credential.js';
import { ChannelsError } from './errors.js';

const ID_BYTES = 16;
const THERE = ['ready', 'archived', 'archive', 'reopen', 'delete'];

export class ChannelList {
  #crypto;
  #store;
  #catalog;
  #taskOf;
  #failed;

  /** `taskOf(id)`: how its replication stands; `failed(error)`: told about what could not be saved here. */
  constructor({ crypto, store, catalog, taskOf, failed }) {
    this.#crypto = crypto;
    this.#store = store;
    this.#catalog = catalog;
    this.#taskOf = taskOf;
    this.#failed = failed;
  }

  /** The database of the channel of that id or name; one of that name is made if there is none. */
  database(name) {
    const known = this.#known(name);
    if (known) return this.#store.channel(known);
    const id = randomHex(this.#crypto, ID_BYTES);
    const doc = { type: 'channel', state: 'new', name };
    this.#catalog.expect({ _id: id, ...doc });
    this.#catalog.edit(id, () => ({}), doc).catch((error) => this.#failed(
      new ChannelsError('not_saved', `The channel "${name}" could not be saved on this device: ${error.message}`, { channel: id })));
    return this.#store.channel(id);
  }

  all() {
    const isDuplicate = ({ state, error }) => state === 'error' && error?.error === 'duplicate';
    return this.#catalog.channels().filter((doc) => !isDuplicate(doc)).map(({ _id }) => this.describe(_id));
  }

  describe(id) {
    const { name = null, state = null, error = null, access = null, until = null, shows, groups = [], public: isPublic = false, ...doc } = this.#catalog.get(id) ?? {};
    const task = this.#taskOf(id);
    return {
      id, name, state, error, access, until, shows: shownIn({ access, shows }), memberCount: memberCountIn(doc), groups: groups.map(({ group, access: its, name: called = null }) => ({ group, access: its, name: called })), public: isPublic, subscription: this.#choice(id), sync: task?.state ?? 'off', lastSynced: task?.lastSynced ? new Date(task.lastSynced).toISOString() : null,
      pulled: task?.pulled ?? 0, pushed: task?.pushed ?? 0, pending: task?.pending ?? null,
    };
  }

  #choice(id) {
    const { user, wishes = {} } = this.#store.record;
    return this.#catalog.subscription(id, user)?.state ?? wishes[id] ?? null;
  }

  async rename(channel, name) {
    await this.#catalog.edit(this.idOf(channel), () => ({ name }));
  }

  async choose(channel, state) {
    const id = this.idOf(channel);
    const { user, wishes } = this.#store.record;
    if (user) await this.#catalog.edit(subscriptionId(id, user), () => ({ state }), { type: 'subscription', state, channel: id });
    else await this.#store.update({ wishes: { ...wishes, [id]: state } });
  }

  /** The user is known now. */
  async grantWishes() {
    const { wishes = {} } = this.#store.record;
    for (const [id, state] of Object.entries(wishes)) await this.choose(id, state);
    await this.#store.update({ wishes: undefined });
  }

  #known(channel) {
    if (CHANNEL_ID.test(channel) && this.#catalog.get(channel)?.type === 'channel') return channel;
    return this.#catalog.channelNamed(channel, this.#store.record.user ?? this.#store.record.dataUser)?._id;
  }

  idOf(channel) {
    // Nothing is written by what needs an id, so that another's channel may be meant, too.
    const known = this.#known(channel) ?? this.#catalog.channels().find(({ name, state }) => name === channel && THERE.includes(state))?._id;
    if (known) return known;
    throw new ChannelsError('unknown_channel', `There is no channel "${channel}" here.`);
  }
}

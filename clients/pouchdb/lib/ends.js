// Channels that their owners archive or delete, and what brings them back. All of it is the state of the channel's document, so
// that it waits for the network by itself. Used by sharing_calls.js.

import { CHANNEL_ID } from './catalog.js';
import { ChannelsError } from './errors.js';

/** Of which states of a channel each wish can be. */
const FROM = { archive: ['ready'], reopen: ['archived'], delete: ['ready', 'archived'], undelete: ['deleted'] };
const SETTLED = ['ready', 'archived', 'deleted'];

export class Ends {
  #catalog;
  #channels;
  #states = new Map();

  constructor({ catalog, channels }) {
    this.#catalog = catalog;
    this.#channels = channels;
    for (const { _id, state } of catalog.channels()) this.#states.set(_id, state);
  }

  async wish(channel, wish) {
    const id = this.#idOf(channel, FROM[wish]);
    await this.#catalog.edit(id, ({ state }) => {
      if (FROM[wish].includes(state)) return { state: wish };
      throw new ChannelsError('bad_state', `This channel is "${state}".`, { channel: id });
    });
  }

  /** By name one is meant of which it can be: there may be a new channel that has the name of a deleted one. */
  #idOf(channel, from) {
    if (CHANNEL_ID.test(channel) && this.#catalog.get(channel)?.type === 'channel') return channel;
    const named = this.#catalog.channels().find(({ name, state }) => name === channel && from.includes(state));
    return named?._id ?? this.#channels.idOf(channel);
  }

  /** 'archived', 'deleted' or 'reopened' if this change of a document is one; else null. */
  eventOf({ _id: id, type, state }) {
    if (type !== 'channel' || !CHANNEL_ID.test(id) || !SETTLED.includes(state)) return null;
    const before = this.#states.get(id);
    this.#states.set(id, state);
    if (state === before) return null;
    if (state !== 'ready') return state;
    return before === 'archived' || before === 'deleted' ? 'reopened' : null;
  }
}

// Channels that the user is no member of any more: he left, or was put out. What was synced stays on the device, unless who
// put him out wished it gone and the app had allowed that when it registered.

import { CHANNEL_ID } from './catalog.js';
import { Emitter } from './emitter.js';
import { later } from './timing.js';

/** Event: 'removed' {id, left, wipe, wiped}: when it is told, and once more if it is wiped later. */
export class Removed extends Emitter {
  #store;
  #catalog;
  #shutsOut;
  #dropping = new Set();
  #ended = false;
  #onChange = (doc) => this.#take(doc);

  /** `shutsOut(database, id)`: the server refuses this device there; rejects where that can't be known now. */
  constructor(store, catalog, shutsOut) {
    super();
    this.#shutsOut = shutsOut;
    this.#store = store;
    this.#catalog = catalog;
  }

  /** What an earlier session left, and whatever comes from now on. */
  start() {
    this.#catalog.on('change', this.#onChange);
    this.tryAgain();
  }

  /** The network is back. */
  tryAgain() {
    for (const doc of this.#catalog.channels()) if (this.#isToDrop(doc)) this.#take(doc, { isTold: true });
  }

  end() {
    this.#ended = true;
    this.#catalog.off('change', this.#onChange);
  }

  #isToDrop({ _id: id, state, wipe }) {
    return state === 'removed' && wipe === true && this.#store.record.allowWipe === true && this.#store.channels.has(id);
  }

  #take(doc, { isTold = false } = {}) {
    if (doc.type !== 'channel' || doc.state !== 'removed' || !CHANNEL_ID.test(doc._id) || this.#dropping.has(doc._id)) return;
    const { _id: id, left = false, wipe = false } = doc;
    this.#dropping.add(id);
    // After all who hear of the change: its replication ends first.
    later(0, async () => {
      if (this.#ended) return;
      const wiped = this.#isToDrop(doc) && await this.#drop(doc);
      this.#dropping.delete(id);
      if (wiped || !isTold) this.emit('removed', { id, left, wipe, wiped });
    });
  }

  /** The document alone is no reason: a thief's device could have written it. */
  async #drop({ _id: id, database }) {
    try {
      if (!await this.#shutsOut(database, id)) return false;
      await this.#store.dropChannel(id);
      return true;
    } catch {
      return false;  // tried again when the network is back
    }
  }
}

// Channels that the user is no member of any more: he left, or was put out. What was synced stays on the device, unless who
// put him out wished it gone and the app had allowed that when it registered.

import { CHANNEL_ID } from './catalog.js';
import { Emitter } from './emitter.js';
import { later } from './timing.js';

/** Event: 'removed' {id, left, wipe, wiped}. */
export class Removed extends Emitter {
  #store;
  #catalog;
  #dropping = new Set();
  #onChange = (doc) => this.#take(doc);

  constructor(store, catalog) {
    super();
    this.#store = store;
    this.#catalog = catalog;
  }

  /** What an earlier session left, and whatever comes from now on. */
  start() {
    this.#catalog.on('change', this.#onChange);
    for (const doc of this.#catalog.channels()) if (this.#isToDrop(doc)) this.#take(doc);
  }

  end() {
    this.#catalog.off('change', this.#onChange);
  }

  #isToDrop({ _id: id, state, wipe }) {
    return state === 'removed' && wipe === true && this.#store.record.allowWipe === true && this.#store.channels.has(id);
  }

  #take(doc) {
    if (doc.type !== 'channel' || doc.state !== 'removed' || !CHANNEL_ID.test(doc._id) || this.#dropping.has(doc._id)) return;
    const { _id: id, left = false, wipe = false } = doc;
    this.#dropping.add(id);
    // After all who hear of the change: its replication ends first.
    later(0, async () => {
      const wiped = this.#isToDrop(doc) && await this.#drop(id);
      this.#dropping.delete(id);
      this.emit('removed', { id, left, wipe, wiped });
    });
  }

  /** What cannot be dropped now is tried again when the device is opened anew. */
  #drop(id) {
    return this.#store.dropChannel(id).then(() => true, () => false);
  }
}

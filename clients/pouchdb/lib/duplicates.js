// Channels that were made on two devices under one name, offline or at the same moment: the daemon takes one and answers the
// other with `error` "duplicate" and the first one's id. What was written to the other here goes to the first. An app
// may hold its database still: it stays usable, joined to the first, until the device is opened anew.

import { CHANNEL_ID } from './catalog.js';

export class Duplicates {
  #store;
  #catalog;
  #joined = new Map();  // id of the duplicate -> its replication to the first
  #onChange = (doc) => this.#take(doc, false);

  constructor(store, catalog) {
    this.#store = store;
    this.#catalog = catalog;
  }

  /** What an earlier session left, and whatever comes from now on. */
  start() {
    for (const doc of this.#catalog.channels()) this.#take(doc, true);
    this.#catalog.on('change', this.#onChange);
  }

  end() {
    this.#catalog.off('change', this.#onChange);
    for (const joined of this.#joined.values()) joined.cancel();
  }

  #take(doc, atStart) {
    const isDuplicate = doc.type === 'channel' && doc.state === 'error' && doc.error?.error === 'duplicate' && CHANNEL_ID.test(doc.channel);
    if (!isDuplicate || doc.channel === doc._id || !this.#store.channels.has(doc._id) || this.#joined.has(doc._id)) return;
    if (atStart && !this.#store.isOpen(doc._id)) this.#moveInto(doc._id, doc.channel);
    else this.#join(doc._id, doc.channel);
  }

  #join(id, first) {
    const joined = this.#store.channel(id).sync(this.#store.channel(first), { live: true });
    joined.on('error', () => {});
    this.#joined.set(id, joined);
  }

  async #moveInto(id, first) {
    this.#joined.set(id, { cancel() {} });
    try {
      await this.#store.channel(id).replicate.to(this.#store.channel(first));
      await this.#store.dropChannel(id);
    } catch {
      // The next start tries again; nothing is dropped before it has arrived.
    }
  }
}

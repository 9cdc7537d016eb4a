// Follows the handshake database for the whole crowd by one feed: the newest document of each id, and whether a
// state was ever seen to go back.

import { patiently } from './patience.mjs';

const ORDERS = {
  device: ['new', 'confirming', 'confirmed', 'active'],
  confirm: ['clicked', 'used'],
  channel: ['new', 'ready'],
};

/** Where a document stands in its type's life; the end for states that are beyond it (error, expired). */
export function rank({ type, state }) {
  const order = ORDERS[type] ?? [];
  const place = order.indexOf(state);
  return place < 0 ? order.length : place;
}

export function generation(rev) {
  return Number.parseInt(rev, 10);
}

export class Watch {
  docs = new Map();
  wentBack = [];  // sentences
  #stopped = false;

  constructor(server, database) {
    Object.assign(this, { server, database });
    this.ended = this.#follow();
  }

  async #follow() {
    for (let since = '0'; !this.#stopped;) {
      const path = `/${this.database}/_changes?include_docs=true&feed=longpoll&timeout=2000&limit=1000&since=${encodeURIComponent(since)}`;
      const { status, text, body } = await patiently(() => this.server.request(path, { timeout: 20000 }), { until: Infinity });
      if (!body?.results) throw new Error(`${this.database}: ${status} ${text}`);
      for (const { doc } of body.results) if (doc) this.#note(doc);
      since = body.last_seq;
    }
  }

  #note(doc) {
    const before = this.docs.get(doc._id);
    if (before && generation(before._rev) >= generation(doc._rev)) return;
    if (before && rank(doc) < rank(before)) this.wentBack.push(`${doc._id}: ${before.state} ${before._rev}, then ${doc.state} ${doc._rev}`);
    this.docs.set(doc._id, doc);
  }

  stop() {
    this.#stopped = true;
    return this.ended;
  }
}

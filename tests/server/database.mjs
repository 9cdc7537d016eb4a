// One database of the embedded server: a PouchDB with what CouchDB has beyond it (counts of deleted
// documents, one writer at a time, opaque seqs, a signal for its feeds). Decisions about a write are
// in writes.mjs; this file reads, counts and stores.

import { EventEmitter } from 'node:events';
import { createHash } from 'node:crypto';
import { badRequest } from './errors.mjs';
import { RevTree } from './rev_tree.mjs';

export class Database {
  constructor(store, name, handle) {
    this.store = store;
    this.name = name;
    this.handle = handle;
    this.pouch = handle.pouch;
    this.events = new EventEmitter().setMaxListeners(0);  // 'change' after a write, 'gone' when deleted
    this.tail = Promise.resolve();
    this.liveCount = 0;
    this.deletedCount = 0;
    this.seq = 0;
    this.views = new Map();  // indexes of view_index.mjs
    this.validators = null;  // cache of validation.mjs, dropped when a design document is written
  }

  async start() {
    const { results, last_seq: seq } = await this.pouch.changes({ since: 0 });
    this.deletedCount = results.filter((row) => row.deleted).length;
    this.liveCount = results.length - this.deletedCount;
    this.seq = seq;
  }

  get security() {
    return this.store.info(this.name)?.security ?? {};
  }

  async setSecurity(security) {
    await this.store.saveInfo(this.name, { ...this.store.info(this.name), security });
  }

  /** Runs `work` while nothing else writes to this database. */
  exclusively(work) {
    const done = this.tail.then(work);
    this.tail = done.catch(() => {});
    return done;
  }

  /** A document, or one revision of it; throws PouchDB's 404 if it is missing or deleted. */
  read(id, options = {}) {
    return this.pouch.get(id, options);
  }

  tree(id) {
    return new Promise((resolve, reject) => {
      this.pouch._getRevisionTree(id, (error, branches) => {
        if (!error) resolve(new RevTree(branches));
        else if (error.status === 404) resolve(new RevTree());
        else reject(error);
      });
    });
  }

  /** Stores revisions as they are (all decided), keeps the counts, and tells the feeds. */
  async insert(docs) {
    const ids = [...new Set(docs.map((doc) => doc._id))];
    const before = await Promise.all(ids.map((id) => this.tree(id)));
    await this.pouch.bulkDocs(docs, { new_edits: false });
    const after = await Promise.all(ids.map((id) => this.tree(id)));
    ids.forEach((id, index) => this.count(before[index], after[index]));
    if (ids.some((id) => id.startsWith('_design/'))) this.validators = null;
    await this.changed();
  }

  count(before, after) {
    for (const [tree, step] of [[before, -1], [after, 1]]) {
      if (!tree.exists) continue;
      if (tree.live) this.liveCount += step;
      else this.deletedCount += step;
    }
  }

  async changed() {
    this.seq = (await this.pouch.info()).update_seq;
    this.events.emit('change');
    this.store.events.emit('db', { db_name: this.name, type: 'updated' });
  }

  async countPurge() {
    const info = this.store.info(this.name);
    await this.store.saveInfo(this.name, { ...info, purge_seq: info.purge_seq + 1 });
  }

  get uuid() {
    return this.store.info(this.name)?.uuid ?? '';
  }

  /** Seqs are opaque to clients; ours carry a mark of the database, so that a seq of a former one starts over. */
  formatSeq(seq) {
    return `${seq}-${this.seqMark(seq)}`;
  }

  seqMark(seq) {
    return `g1AAAA${createHash('sha1').update(`${this.uuid}:${seq}`).digest('base64url')}`;
  }

  parseSeq(text) {
    if (text === undefined || text === null || text === '' || String(text) === '0') return 0;
    if (text === 'now') return this.seq;
    const match = /^"?(\d+)-([\w-]+)"?$/.exec(String(text));
    if (!match) throw badRequest("Malformed sequence supplied in 'since' parameter.");
    const seq = Number(match[1]);
    return match[2] === this.seqMark(seq) ? Math.min(seq, this.seq) : 0;
  }

  info() {
    const { created, purge_seq: purgeSeq } = this.store.info(this.name);
    return {
      instance_start_time: String(created), db_name: this.name,
      purge_seq: this.formatSeq(purgeSeq), update_seq: this.formatSeq(this.seq),
      sizes: { file: 0, external: 0, active: 0 }, props: {},
      doc_del_count: this.deletedCount, doc_count: this.liveCount,
      disk_format_version: 8, compact_running: false, cluster: { q: 1, n: 1, w: 1, r: 1 },
    };
  }

  async remove() {
    await this.exclusively(() => this.pouch.destroy());
    this.events.emit('gone');
  }
}

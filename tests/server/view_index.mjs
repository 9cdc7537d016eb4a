// The index of one view: what its map function emitted for each document, brought up to date when it is
// asked. (PouchDB's own views keep the rows of purged documents.) In memory; made again after a restart.

import { collate } from 'pouchdb-collate';
import { compile } from './sandbox.mjs';

const inlined = (source) => `(${source.trim().replace(/;+\s*$/, '')}\n)`;

export class ViewIndex {
  constructor(database, ddoc, name) {
    this.database = database;
    this.rev = ddoc._rev;
    const { map, reduce } = ddoc.views[name];
    this.map = compile(ddoc, `function (doc) {
      var rows = [];
      var emit = function (key, value) {
        rows.push({ key: key === undefined ? null : key, value: value === undefined ? null : value });
      };
      ${inlined(map)}(doc);
      return rows;
    }`);
    this.reduce = reduce === undefined ? null : reducer(ddoc, reduce);
    this.byId = new Map();
    this.sorted = null;
    this.upTo = 0;
    this.updating = Promise.resolve();
  }

  forget(id) {
    this.byId.delete(id);
    this.sorted = null;
  }

  /** All rows, in CouchDB's order of key, then id. */
  async rows() {
    this.updating = this.updating.then(() => this.update());
    await this.updating;
    this.sorted ??= [...this.byId.values()].flat()
      .sort((a, b) => collate(a.key, b.key) || (a.id < b.id ? -1 : Number(a.id > b.id)));
    return this.sorted;
  }

  async update() {
    if (this.upTo === this.database.seq) return;
    const { results, last_seq: lastSeq } = await this.database.pouch.changes({ since: this.upTo, include_docs: true });
    for (const { id, doc, deleted } of results) {
      this.forget(id);
      if (deleted || id.startsWith('_design/')) continue;
      const rows = this.emitted(doc).map(({ key, value }) => ({ id, key, value }));
      if (rows.length > 0) this.byId.set(id, rows);
    }
    this.upTo = Math.max(this.upTo, lastSeq);
  }

  /** A document that its map function throws on has no rows, as on CouchDB. */
  emitted(doc) {
    try {
      return this.map(doc);
    } catch {
      return [];
    }
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const BUILT_IN = {
  _count: (rows) => rows.length,
  _sum: (rows) => sum(rows.map((row) => row.value)),
  _stats: (rows) => {
    const values = rows.map((row) => row.value);
    return { sum: sum(values), count: values.length, min: Math.min(...values), max: Math.max(...values), sumsqr: sum(values.map((value) => value * value)) };
  },
};

function reducer(ddoc, source) {
  // CouchDB looks at the beginning only; a file's text ends with a line's end.
  const builtIn = BUILT_IN[source.trim()];
  if (builtIn) return builtIn;
  const reduce = compile(ddoc, source);
  return (rows) => reduce(rows.map((row) => [row.key, row.id]), rows.map((row) => row.value), false);
}

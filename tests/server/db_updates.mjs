// /_db_updates: which databases were made, written to or deleted, as normal, longpoll or continuous feed.
// Like CouchDB's it holds one row for each database and kind of event, the newest, and forgets at a restart.

import { createHash, randomBytes } from 'node:crypto';
import { badRequest, methodNotAllowed } from './errors.mjs';
import { FeedWait, feedOptions } from './feed.mjs';

export class DbUpdates {
  constructor(store) {
    this.mark = randomBytes(8).toString('hex');
    this.seq = 0;
    this.rows = new Map();  // "type:name" -> row, in the order of seq
    this.waits = new Set();
    store.events.on('db', (event) => this.add(event));
  }

  add({ db_name: name, type }) {
    const key = `${type}:${name}`;
    this.rows.delete(key);
    this.seq += 1;
    this.rows.set(key, { number: this.seq, db_name: name, type });
    for (const wait of this.waits) wait.wake();
  }

  formatSeq(number) {
    return `${number}-g1AAAA${createHash('sha1').update(`${this.mark}:${number}`).digest('base64url')}`;
  }

  parseSeq(text) {
    if (text === null || text === '0' || text === '') return 0;
    if (text === 'now') return this.seq;
    const match = /^"?(\d+)-[\w-]+"?$/.exec(text);
    if (!match) throw badRequest("Malformed sequence supplied in 'since' parameter.");
    const number = Number(match[1]);
    return this.formatSeq(number) === text.replaceAll('"', '') ? number : 0;
  }

  rowsAfter(number, limit) {
    return [...this.rows.values()].filter((row) => row.number > number).slice(0, limit);
  }

  rowText({ number, db_name, type }) {
    return JSON.stringify({ db_name, type, seq: this.formatSeq(number) });
  }

  async route(exchange) {
    if (exchange.method !== 'GET') throw methodNotAllowed('GET');
    const options = feedOptions(exchange);
    let from = this.parseSeq(exchange.query.get('since'));
    exchange.head(200, { 'Content-Type': 'application/json' });
    exchange.res.flushHeaders();
    const wait = new FeedWait(exchange, options);
    this.waits.add(wait);
    try {
      if (options.feed === 'continuous') await this.continuous(exchange, wait, from, options.limit);
      else await this.once(exchange, wait, from, options);
    } finally {
      this.waits.delete(wait);
      wait.close();
    }
  }

  async once(exchange, wait, from, { feed, limit }) {
    let rows = this.rowsAfter(from, limit);
    while (feed === 'longpoll' && rows.length === 0) {
      const outcome = await wait.wait();
      if (outcome === 'closed') return;
      if (outcome === 'timeout') break;
      rows = this.rowsAfter(from, limit);
    }
    const last = rows.at(-1)?.number ?? from;
    const lines = rows.map((row) => this.rowText(row)).join(',\n');
    exchange.res.end(`{"results":[\n${lines}\n],\n"last_seq":"${this.formatSeq(last)}","pending":${this.rowsAfter(last, Infinity).length}}\n`);
  }

  async continuous(exchange, wait, from, limit) {
    let left = limit;
    for (;;) {
      const rows = this.rowsAfter(from, left);
      for (const row of rows) exchange.res.write(`${this.rowText(row)}\n`);
      from = rows.at(-1)?.number ?? from;
      left -= rows.length;
      const outcome = left > 0 ? await wait.wait() : 'timeout';
      if (outcome === 'closed') return;
      if (outcome === 'timeout') break;
    }
    exchange.res.end(`{"last_seq":"${this.formatSeq(from)}","pending":0}\n`);
  }
}

// What every feed (_changes, _db_updates) has in common: its options, the headers that go out at once,
// the heartbeat, and the end: by time-out, by the client's leaving, or because what it follows is gone.

import { badRequest } from './errors.mjs';

const DEFAULT_WAIT_MS = 60000;  // [chttpd] changes_timeout

function milliseconds(exchange, name) {
  const text = exchange.query.get(name);
  if (text === null || text === 'false') return undefined;
  if (text === 'true') return DEFAULT_WAIT_MS;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw badRequest(`Invalid value for ${name}`);
  return value;
}

export function feedOptions(exchange) {
  const limit = exchange.json('limit');
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 0)) throw badRequest('Invalid value for limit');
  return {
    feed: exchange.query.get('feed') ?? 'normal',
    heartbeat: milliseconds(exchange, 'heartbeat'),
    timeout: Math.min(milliseconds(exchange, 'timeout') ?? DEFAULT_WAIT_MS, DEFAULT_WAIT_MS),
    limit: limit === 0 ? 1 : limit ?? Infinity,  // CouchDB takes 0 for 1
  };
}

/**
 * Waits on behalf of one open feed. `wake` is to be called when there may be something new; `wait()`
 * resolves to 'news', 'timeout' or 'closed'.
 */
export class FeedWait {
  constructor(exchange, { heartbeat, timeout }) {
    this.exchange = exchange;
    this.timeout = timeout;
    this.heartbeat = heartbeat;
    this.closed = false;
    this.news = false;
    this.resolve = null;
    exchange.res.on('close', () => this.close());
    if (heartbeat) this.beat = setInterval(() => exchange.res.write('\n'), heartbeat);
  }

  wake() {
    this.news = true;
    this.settle('news');
  }

  close() {
    this.closed = true;
    clearInterval(this.beat);
    this.settle('closed');
  }

  settle(outcome) {
    const { resolve } = this;
    this.resolve = null;
    clearTimeout(this.timer);
    if (outcome === 'news' && resolve) this.news = false;
    resolve?.(outcome);
  }

  wait() {
    if (this.closed) return Promise.resolve('closed');
    if (this.news) {
      this.news = false;
      return Promise.resolve('news');
    }
    return new Promise((resolve) => {
      this.resolve = resolve;
      // A heartbeat takes the place of the time-out.
      if (!this.heartbeat) this.timer = setTimeout(() => this.settle('timeout'), this.timeout);
    });
  }
}

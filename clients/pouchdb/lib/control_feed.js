// The one connection that a device always has: its control database, live both ways. Whether it works is whether the
// server is there.

import { ChannelsError, Unavailable } from './errors.js';
import { Emitter } from './emitter.js';
import { Replica } from './replica.js';
import { Wait, backoff } from './timing.js';

/** The daemon's own documents are not ours to bring; a restored server gets them from the daemon. */
export function isOurs(doc) {
  return doc._id !== 'doorbell' && doc._id.charAt(0) !== '_';
}

/** Events: 'up' (everything is exchanged, and it stays so), 'synced' (again), 'down' (error), 'denied' {id, reason}. */
export class ControlFeed extends Emitter {
  #replica;
  #wait = new Wait();
  #waiters = [];
  #ended = false;
  #done;

  constructor(local, openRemote) {
    super();
    this.#replica = new Replica({ local, openRemote, push: { filter: isOurs } });
    this.#replica.on('denied', (denied) => this.emit('denied', denied));
    this.#replica.on('synced', () => this.emit('synced'));
  }

  get pulledTo() {
    return this.#replica.pulledTo;
  }

  start() {
    this.#done = this.#run();
  }

  async #run() {
    for (let failures = 0; !this.#ended;) {
      try {
        const waiters = this.#waiters.splice(0);
        await this.#replica.once().catch((error) => {
          for (const { reject } of waiters) reject(error);
          throw error;
        });
        if (this.#ended) return;
        failures = 0;
        this.emit('up');
        for (const { resolve } of waiters) resolve();
        if (this.#waiters.length === 0) await this.#replica.live();
      } catch (error) {
        if (this.#ended) return;
        failures += 1;
        this.emit('down', error);
        await this.#wait.for(error instanceof Unavailable ? Math.min(backoff(failures), 60000) : backoff(failures));
      }
    }
  }

  /** Begins anew at once: connections may be dead, or a wait pointless. */
  kick() {
    this.#replica.stop();
    this.#wait.wake();
  }

  /** A full exchange now; rejects if it fails. */
  syncNow() {
    const done = new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.kick();
    return done;
  }

  async end() {
    this.#ended = true;
    this.#wait.end();
    this.#replica.stop();
    for (const { reject } of this.#waiters.splice(0)) reject(new ChannelsError('ended', 'The device is no longer synced.'));
    await this.#done;
  }
}

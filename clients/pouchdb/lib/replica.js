// One database here and its counterpart in the cloud, brought together: once, or live for a while. PouchDB replicates; this
// says when both sides are equal, and what went wrong, in one form. Used for the control database and for each channel.

import { ChannelsError, Unavailable } from './errors.js';
import { Emitter } from './emitter.js';
import { withWaryCheckpoints } from './checkpoints.js';
import { LONG_POLL_MS } from './cloud.js';

// `timeout` and no heartbeat: a heartbeat inside a long-poll is seen by nobody, and a dead connection looks like a quiet one.
const LIVE = { live: true, heartbeat: false, timeout: LONG_POLL_MS };

/**
 * Events: 'progress' {pulled, pushed, pending}, 'synced' (both sides are equal for the moment), 'denied' {id, reason}.
 * once() and live() reject with a ChannelsError: Unavailable, or `error` "log_in" (401), "forbidden" (403), "missing" (404).
 */
export class Replica extends Emitter {
  #local;
  #openRemote;
  #push;
  #running = [];
  #live = false;
  #stopped = false;

  pulledTo = null;  // the remote sequence up to which all is here, as far as this object saw

  /** `openRemote()` gives the remote database; `push` and `pull` are further options of those replications. */
  constructor({ local, openRemote, push = {} }) {
    super();
    this.#local = local;
    this.#openRemote = openRemote;
    this.#push = push;
  }

  get isLive() {
    return this.#live;
  }

  /** Everything that is there, then everything that is here, up to the sequence `upTo`. */
  async once() {
    this.#stopped = false;
    const pull = await this.#start('pull', {}).ended;
    if (this.#stopped) return { pulled: 0, pushed: 0, upTo: 0 };
    const push = await this.#start('push', this.#push).ended;
    if (!this.#stopped) this.emit('synced');
    return { pulled: pull.docs_written, pushed: push.docs_written, upTo: push.last_seq };
  }

  /** Both ways until stop() (resolves) or until it fails (rejects). */
  async live() {
    this.#stopped = false;
    this.#live = true;
    const both = [this.#start('pull', LIVE), this.#start('push', { ...LIVE, ...this.#push })];
    const quiet = new Set();
    for (const { replication } of both) {
      replication.on('active', () => quiet.delete(replication));
      replication.on('paused', (error) => {
        if (error) return;
        quiet.add(replication);
        if (quiet.size === 2) this.emit('synced');
      });
    }
    try {
      await Promise.race(both.map(({ ended }) => ended));
    } finally {
      for (const { replication } of both) replication.cancel();
      await Promise.allSettled(both.map(({ ended }) => ended));
      this.#live = false;
    }
  }

  /** Ends what runs; once() and live() then resolve. */
  stop() {
    this.#stopped = true;
    for (const replication of this.#running) replication.cancel();
  }

  /** PouchDB's replication, and what it ends with. */
  #start(direction, options) {
    const remote = withWaryCheckpoints(this.#openRemote(), this.#local, direction);
    const replication = direction === 'pull' ? this.#local.replicate.from(remote, options) : this.#local.replicate.to(remote, options);
    const ended = this.#run(replication, direction).finally(() => remote.close().catch(() => {}));
    return { replication, ended };
  }

  async #run(replication, direction) {
    this.#running.push(replication);
    const count = direction === 'pull' ? 'pulled' : 'pushed';
    const reached = (seq) => { if (direction === 'pull' && seq) this.pulledTo = seq; };
    replication.on('change', ({ docs_written: done, pending }) => this.emit('progress', { [count]: done, pending }));
    // A batch of what is here already, as one's own writes are, is no 'change'.
    replication.on('checkpoint', ({ checkpoint }) => reached(checkpoint));
    replication.on('denied', (error) => this.emit('denied', deniedOf(error)));
    try {
      const result = await replication;
      if (result.errors?.length > 0 && !result.ok) throw result.errors[0];
      reached(result.last_seq);
      return result;
    } catch (error) {
      throw asChannelsError(error);
    } finally {
      this.#running.splice(this.#running.indexOf(replication), 1);
    }
  }
}

function deniedOf(error) {
  const inner = error?.doc ?? error ?? {};
  return { id: inner.id ?? inner._id ?? null, reason: inner.reason ?? inner.message ?? 'The server refused the document.' };
}

/** PouchDB hands errors on as they came: HTTP's with a status, the network's as whatever fetch threw. */
export function asChannelsError(error) {
  if (error instanceof ChannelsError) return error;
  const status = error?.result?.errors?.[0]?.status ?? error?.status;
  const reason = error?.reason ?? error?.message ?? String(error);
  if (status === 401) return new ChannelsError('log_in', reason, { status });
  if (status === 403) return new ChannelsError('forbidden', reason, { status });
  if (status === 404) return new ChannelsError('missing', reason, { status });
  if (status === undefined || status === 429 || status >= 500) return new Unavailable(reason, { status, cause: error });
  return new ChannelsError('refused', reason, { status, cause: error });
}

// Which channel is brought together with the cloud when. A channel that sleeps has no connection: it is looked at when the
// doorbell rings, when somebody writes here, and once an hour. One that is in use is live for a minute after its last
// change, a few at a time; whoever finds no place is replicated once, in turn. docs/devices.md says why.

import { Emitter } from './emitter.js';
import { Unavailable } from './errors.js';
import { backoff, later } from './timing.js';

export const DEFAULTS = {
  live: 3,             // browsers allow six connections to a host over HTTP/1.1: one is control's, two are left for the app
  linger: 60000,       // ms that a channel stays live after its last change
  atOnce: 3,           // replications of channels that are not live
  hourly: 3600000,     // ms until a channel is looked at without a ring
};

/**
 * Events, each with the task: 'state' (task.state, task.error changed), 'progress', 'synced', 'denied', 'trouble' (error).
 * A task: {id, state: 'waiting' | 'syncing' | 'synced' | 'trouble', lastSynced, pulled, pushed, pending, error}.
 */
export class Scheduler extends Emitter {
  #options;
  #tasks = new Map();
  #up = false;
  #ended = false;
  #hourly;

  constructor(options) {
    super();
    this.#options = { ...DEFAULTS, ...options };
    this.#hourly = setInterval(() => this.#lookAtSilent(), Math.min(60000, this.#options.hourly));
    this.#hourly.unref?.();
  }

  get(id) {
    return this.#tasks.get(id);
  }

  ids() {
    return [...this.#tasks.keys()];
  }

  /** Keeps this channel in sync from now on; `local` is its database here. */
  add(id, local, replica) {
    const task = new Task(id, local, replica);
    this.#tasks.set(id, task);
    task.listen(() => this.#wroteHere(task));
    replica.on('progress', (progress) => {
      task.usedAt = Date.now();
      Object.assign(task, progress);
      this.emit('progress', task);
    });
    replica.on('synced', () => this.#synced(task));
    replica.on('denied', (denied) => this.emit('denied', task, denied));
    this.want(id, 'start');
  }

  async remove(id) {
    const task = this.#tasks.get(id);
    if (!task) return;
    this.#tasks.delete(id);
    await task.end();
    this.#pump();
  }

  /** `why`: 'ring' and 'local' mean that more will follow soon; 'start', 'hourly', 'now' are looks. */
  want(id, why) {
    const task = this.#tasks.get(id);
    if (!task || (task.replica.isLive && why !== 'now')) return;
    if (why === 'ring' || why === 'local') task.wantsLive = true;
    task.wanted = true;
    if (why === 'now') task.notBefore = 0;
    this.#pump();
  }

  /** The server is there, or isn't: nothing is tried while it is away. */
  setUp(up) {
    if (this.#up === up) return;
    this.#up = up;
    if (up) for (const task of this.#tasks.values()) task.notBefore = 0;
    this.#pump();
  }

  /** Connections may be dead: those that are live begin anew. */
  kick() {
    for (const task of this.#tasks.values()) {
      if (!task.replica.isLive) continue;
      task.wanted = task.wantsLive = true;
      task.replica.stop();
    }
  }

  /** A full look at each of the channels; resolves when all are in sync, rejects with the first trouble. */
  async syncNow(ids = this.ids()) {
    await Promise.all(ids.map((id) => {
      const task = this.#tasks.get(id);
      if (!task) return undefined;
      const done = new Promise((resolve, reject) => task.waiters.push({ resolve, reject }));
      if (task.replica.isLive) task.replica.stop();
      this.want(id, 'now');
      return done;
    }));
  }

  async end() {
    this.#ended = true;
    clearInterval(this.#hourly);
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    await Promise.all(tasks.map((task) => task.end()));
  }

  #wroteHere(task) {
    task.usedAt = Date.now();
    if (task.replica.isLive) return;
    if (task.running) task.wroteMeanwhile = true;
    else this.want(task.id, 'local');
  }

  #lookAtSilent() {
    const before = Date.now() - this.#options.hourly;
    for (const task of this.#tasks.values()) {
      if (!task.running && (task.lastSynced ?? 0) < before) this.want(task.id, 'hourly');
    }
  }

  #pump() {
    if (!this.#up || this.#ended) return;
    const now = Date.now();
    let running = [...this.#tasks.values()].filter((task) => task.running && !task.replica.isLive).length;
    for (const task of this.#tasks.values()) {
      if (!task.wanted || task.running || task.notBefore > now) continue;
      if (task.wantsLive && task.waiters.length === 0 && this.#placeFor(now)) {
        this.#run(task, () => this.#stayLive(task));
      } else if (running < this.#options.atOnce) {
        running += 1;
        this.#run(task, () => this.#runOnce(task));
      }
    }
  }

  /** One of the live ones that has been quiet for a while makes room. */
  #placeFor(now) {
    const live = [...this.#tasks.values()].filter((task) => task.running && task.isLiveRun);
    if (live.length < this.#options.live) return true;
    const quiet = live.filter((task) => now - task.usedAt > 5000).sort((a, b) => a.usedAt - b.usedAt)[0];
    quiet?.replica.stop();
    return false;
  }

  async #run(task, work) {
    task.running = true;
    task.wanted = false;
    this.#say(task, 'syncing');
    try {
      await work();
      task.failures = 0;
    } catch (error) {
      this.#failed(task, error);
    }
    task.running = false;
    task.isLiveRun = false;
    if (this.#tasks.get(task.id) === task) this.#pump();
  }

  async #runOnce(task) {
    const waiters = task.waiters.splice(0);
    task.wroteMeanwhile = task.wantsLive = false;
    try {
      const { upTo } = await task.replica.once();
      for (const { resolve } of waiters) resolve();
      // What the pull wrote calls the listener as well.
      if (task.wroteMeanwhile && await task.hasMoreThan(upTo)) task.wanted = task.wantsLive = true;
    } catch (error) {
      for (const { reject } of waiters) reject(error);
      throw error;
    }
  }

  async #stayLive(task) {
    task.isLiveRun = true;
    task.wantsLive = false;
    task.usedAt = Date.now();
    const goQuiet = () => {
      const left = task.usedAt + this.#options.linger - Date.now();
      if (left <= 0) task.replica.stop();
      else timer = later(left, goQuiet);
    };
    let timer = later(this.#options.linger, goQuiet);
    try {
      await task.replica.live();
    } finally {
      clearTimeout(timer);
    }
    // What was written while it was being ended.
    if (!task.wanted && Date.now() - task.usedAt < this.#options.linger) task.wanted = true;
  }

  #synced(task) {
    task.lastSynced = Date.now();
    task.failures = 0;
    this.#say(task, 'synced');
    this.emit('synced', task);
  }

  #failed(task, error) {
    if (this.#tasks.get(task.id) !== task) return;
    task.failures += 1;
    task.wanted = true;
    const delay = backoff(task.failures);
    task.notBefore = Date.now() + delay;
    later(delay + 10, () => this.#pump());
    task.error = error;
    this.#say(task, error instanceof Unavailable ? 'waiting' : 'trouble');
    this.emit('trouble', task, error);
  }

  #say(task, state) {
    if (state !== 'trouble' && state !== 'waiting') task.error = null;
    if (task.state === state) return;
    task.state = state;
    this.emit('state', task);
  }
}

class Task {
  wanted = false;
  wantsLive = false;
  wroteMeanwhile = false;
  running = false;
  isLiveRun = false;
  failures = 0;
  notBefore = 0;
  usedAt = 0;
  waiters = [];
  state = 'waiting';
  lastSynced = null;
  pulled = 0;
  pushed = 0;
  pending = null;
  error = null;
  #changes = null;

  constructor(id, local, replica) {
    Object.assign(this, { id, local, replica });
  }

  listen(wrote) {
    this.#changes = this.local.changes({ live: true, since: 'now' });
    this.#changes.on('change', wrote);
    this.#changes.on('error', () => {});
  }

  /** The database here has changes beyond that sequence. */
  async hasMoreThan(upTo) {
    return Number((await this.local.info()).update_seq) > Number(upTo);
  }

  async end() {
    this.#changes?.cancel();
    for (const { reject } of this.waiters.splice(0)) reject(new Error('the channel is no longer synced'));
    this.replica.stop();
  }
}

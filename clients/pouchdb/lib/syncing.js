// What an active device does all the time: the control database live, and after what it says one task for each active
// subscription; the doorbell in it says which channel to look at.

import { ChannelsError, Unavailable } from './errors.js';
import { ControlFeed } from './control_feed.js';
import { Emitter } from './emitter.js';
import { Mark } from './mark.js';
import { Replica } from './replica.js';
import { Scheduler } from './scheduler.js';

/**
 * Events: 'sync' (channel id), 'online' (true or false), 'refused' (the log-in was), 'error' (a ChannelsError that a person
 * can act on).
 */
export class Syncing extends Emitter {
  #cloud;
  #store;
  #catalog;
  #feed;
  #mark;
  #scheduler;
  #rung;
  #told = new Map();  // what was told about whom, so that it is told once
  #onChange = (doc) => this.#changed(doc);

  online = false;
  trouble = null;  // why not, in the network's words

  constructor({ cloud, store, catalog, options }) {
    super();
    Object.assign(this, { options });
    this.#cloud = cloud;
    this.#store = store;
    this.#catalog = catalog;
    this.#rung = { ...catalog.doorbell() };
    this.#scheduler = new Scheduler(options);
    for (const event of ['state', 'progress', 'synced']) this.#scheduler.on(event, ({ id }) => this.emit('sync', id));
    this.#mark = new Mark(cloud, store, { least: options.mark });
    this.#scheduler.on('synced', ({ id, replica }) => this.#mark.reached(id, replica.pulledTo));
    this.#scheduler.on('trouble', (task, error) => this.#trouble(error, task.id));
    this.#scheduler.on('denied', (task, denied) => this.#denied(denied, task.id));
    this.#feed = new ControlFeed(store.control, () => cloud.database(store.record.control));
    this.#feed.on('up', () => this.#setOnline(true));
    this.#feed.on('synced', () => this.#mark.reached('', this.#feed.pulledTo));
    this.#feed.on('down', (error) => {
      this.trouble = error.reason;
      this.#setOnline(false);
      this.#trouble(error);
    });
    this.#feed.on('denied', (denied) => this.#denied(denied));
  }

  start() {
    this.#catalog.on('change', this.#onChange);
    this.#reconcile();
    this.#feed.start();
  }

  /** How a channel stands: {state, lastSynced, pulled, pushed, pending, error}, or undefined. */
  of(channelId) {
    return this.#scheduler.get(channelId);
  }

  kick() {
    this.#feed.kick();
    this.#scheduler.kick();
  }

  async syncNow(channelId) {
    await this.#feed.syncNow();
    this.#reconcile();
    await this.#scheduler.syncNow(channelId ? [channelId] : undefined);
  }

  async end() {
    this.#catalog.off('change', this.#onChange);
    this.#mark.end();
    await Promise.all([this.#feed.end(), this.#scheduler.end()]);
    this.online = false;
  }

  #setOnline(online) {
    this.#scheduler.setUp(online);
    this.#mark.setUp(online);
    if (online) this.trouble = null;
    if (this.online === online) return;
    this.online = online;
    if (online) this.#told.delete('');
    this.emit('online', online);
  }

  #changed(doc) {
    if (doc._id === 'doorbell') this.#listenToDoorbell();
    else if (doc.type === 'subscription' || doc.type === 'channel' || doc._deleted) this.#reconcile();
    else if (doc._id === this.#store.record.id && doc.state !== 'active') this.emit('refused');
  }

  /** Values are compared for difference only: clocks are nobody's business. */
  #listenToDoorbell() {
    const channels = this.#catalog.doorbell();
    for (const [id, value] of Object.entries(channels)) {
      if (this.#rung[id] !== value) this.#scheduler.want(id, 'ring');
    }
    this.#rung = { ...channels };
  }

  #reconcile() {
    const active = new Map();
    for (const { channel, state, syncpoint } of this.#catalog.subscriptions(this.#store.record.user)) {
      const isOver = ['removed', 'deleted'].includes(this.#catalog.get(channel)?.state);
      if (!isOver && state === 'active' && syncpoint !== undefined && this.#accepts(channel, syncpoint)) active.set(channel, syncpoint);
    }
    for (const id of this.#scheduler.ids()) {
      if (active.has(id)) continue;
      this.#scheduler.remove(id);
      this.#mark.leave(id);
      this.emit('sync', id);
    }
    for (const [id, syncpoint] of active) {
      if (this.#scheduler.get(id)) continue;
      const local = this.#store.channel(id);
      this.#scheduler.add(id, local, new Replica({ local, openRemote: () => this.#cloud.database(syncpoint) }));
    }
  }

  #accepts(channel, syncpoint) {
    if (this.#cloud.accepts(syncpoint, channel)) {
      this.#told.delete(channel);
      return true;
    }
    this.#tell(new ChannelsError('bad_syncpoint', `This channel's address is not on ${this.#cloud.server}: it is not synced, so that no other server gets the password.`, { channel }), channel);
    return false;
  }

  #trouble(error, channel) {
    if (error instanceof Unavailable) return;
    if (channel) this.#mark.trouble(channel, error);
    if (error.error === 'log_in') this.emit('refused');
    else this.#tell(Object.assign(error, channel ? { channel } : {}), channel);
  }

  #denied({ id, reason }, channel) {
    this.#mark.denied(channel ?? '', { id, reason });
    this.#tell(new ChannelsError('denied', `The server did not take ${id ?? 'a document'}: ${reason}`, { id, ...(channel ? { channel } : {}) }), `${channel ?? ''} ${id}`);
  }

  #tell(error, about = '') {
    if (this.#told.get(about) === error.reason) return;
    this.#told.set(about, error.reason);
    this.emit('error', error);
  }
}

// A device, as an app sees it: index.d.ts describes every call. This file has the calls; registration.js, syncing.js,
// log_in.js do the work.

import { Catalog, CHANNEL_ID } from './catalog.js';
import { checkAddress, checkName, folded } from './checks.js';
import { ChannelList } from './channel_list.js';
import { Cloud } from './cloud.js';
import { Duplicates } from './duplicates.js';
import { Ends } from './ends.js';
import { ChannelsError, Unavailable } from './errors.js';
import { exchange } from './exchange.js';
import { LogIn } from './log_in.js';
import { findCrypto } from './credential.js';
import { Removed } from './removed.js';
import { Registration, endOf } from './registration.js';
import { Sharing } from './sharing.js';
import { SharingCalls } from './sharing_calls.js';
import { SignOut } from './sign_out.js';
import { Store } from './store.js';
import { Syncing } from './syncing.js';
import { backoff, later, watchWorld } from './timing.js';

const REGISTERING = ['waiting', 'new', 'confirming', 'confirmed'];
const REFUSED_LONG_MS = 20000;

export class Device extends SharingCalls {
  #crypto;
  #cloud;
  #store;
  #catalog;
  #channels;
  #removed;
  #logIn;
  #duplicates;
  #options;
  #registration = null;
  #syncing = null;
  #leaving = null;
  #waiters = [];
  #stopWatching;
  #refusals = 0;
  #refusedSince = null;  // ms; a refusal for long is told, once
  #closed = false;

  static async open(PouchDB, { server, name, allowWipe = false, store = 'channels', handshake = 'channels-handshake', directory = 'channels-directory', databaseOptions = {}, sync = {}, fetch } = {}) {
    if (!server) throw new ChannelsError('bad_server', '`server` is missing: the public_url of the installation, as https://sync.example.com/');
    const device = new Device();
    device.#cloud = new Cloud(PouchDB, { server, handshake, directory, fetch, credentials: () => device.#logIn.credentials() });
    device.#crypto = await findCrypto();
    device.#options = { name, allowWipe, sync };
    device.#store = new Store(PouchDB, store, databaseOptions);
    await device.#store.load();
    device.#checkServer();
    device.#logIn = new LogIn({ crypto: device.#crypto, cloud: device.#cloud, store: device.#store });
    device.#catalog = new Catalog(device.#store.control);
    await device.#catalog.load();
    device.#start();
    return device;
  }

  #checkServer() {
    const { server, id } = this.#store.record;
    if (!id || server === this.#cloud.server) return;
    throw new ChannelsError('other_server', `This device is registered at ${server}, not at ${this.#cloud.server}. Open it with that server and sign out first, or give another \`store\`.`);
  }

  #start() {
    this.#channels = new ChannelList({
      crypto: this.#crypto, store: this.#store, catalog: this.#catalog,
      taskOf: (id) => this.#syncing?.of(id), failed: (error) => this.emit('error', error),
    });
    this.#catalog.on('change', (doc) => this.#changed(doc));
    const [catalog, channels] = [this.#catalog, this.#channels];
    this.shareBy({
      sharing: new Sharing({ crypto: this.#crypto, catalog, channels, cloud: this.#cloud }), ends: new Ends({ catalog, channels }), describe: (id) => channels.describe(id),
    }, () => this.#checkOpen());
    this.#duplicates = new Duplicates(this.#store, this.#catalog);
    this.#duplicates.start();
    this.#removed = new Removed(this.#store, this.#catalog, (database, id) => this.#cloud.shutsOut(database, id));
    this.#removed.on('removed', ({ id, ...how }) => this.emit('removed', { ...this.#channels.describe(id), ...how }));
    this.#removed.start();
    this.#stopWatching = watchWorld(() => this.kick());
    this.#goOn();
  }

  /** After what the record says. */
  #goOn() {
    const { state, leaving } = this.#store.record;
    if (leaving) this.#leave();
    else if (REGISTERING.includes(state)) this.#runRegistration();
    else if (state === 'active') this.#startSyncing();
  }

  // --- the device itself ---

  get id() {
    return this.#store.record.id ?? null;
  }

  get status() {
    const { state = 'none', owner = null, name = null, code = null, expires = null, user = null, error = null, leaving } = this.#store.record;
    return { state: leaving ? 'signing-out' : state, owner, name, code, expires, user, error, online: this.#syncing?.online ?? false, trouble: this.#syncing?.trouble ?? null };
  }

  async register({ owner, name = this.#options.name, locale = globalThis.navigator?.language, allowWipe = this.#options.allowWipe } = {}) {
    this.#checkOpen();
    const address = checkAddress(owner, '`owner` must be the e-mail address of the person whose device this is.');
    const { state = 'none', owner: known, dataOwner, leaving } = this.#store.record;
    if (leaving) throw new ChannelsError('signing_out', 'The last sign-out has not reached the server yet. It goes on as soon as there is a network.');
    if (dataOwner && folded(dataOwner) !== folded(address)) throw new ChannelsError('other_owner', `The data of ${dataOwner} is on this device. Sign out with \`wipe\` first, or give another \`store\`.`);
    if (state === 'active' || REGISTERING.includes(state)) {
      if (folded(known) !== folded(address)) throw new ChannelsError('registered', `This device is registered for ${known} already. Sign out first.`);
    } else {
      await this.#newRegistration().begin({ owner: address, name: name === undefined ? undefined : checkName(name), locale, server: this.#cloud.server, allowWipe: allowWipe === true });
    }
    const active = this.#untilActive();
    if (!this.#registration || state !== 'active') this.#runRegistration();
    else this.#registration?.wake();
    return active;
  }

  /** The document that a carrier (another device, a laptop's CouchDB) may bring to the handshake; null if there is none. */
  registration() {
    return REGISTERING.includes(this.#store.record.state) ? Registration.document(this.#store.record) : null;
  }

  #newRegistration() {
    return new Registration({ crypto: this.#crypto, cloud: this.#cloud, store: this.#store, changed: () => this.#recordChanged() });
  }

  #runRegistration() {
    if (this.#registration || !REGISTERING.includes(this.#store.record.state)) return;
    const registration = this.#newRegistration();
    this.#registration = registration;
    registration.run().catch((error) => this.emit('error', error)).then(() => {
      if (this.#registration === registration) this.#registration = null;
      return this.#registered();
    });
  }

  async #registered() {
    const { state, owner, error } = this.#store.record;
    if (this.#closed || REGISTERING.includes(state)) return;
    if (error) this.emit('error', new ChannelsError(error.error, error.reason));
    if (state === 'active') {
      await this.#store.update({ dataOwner: owner });
      this.#startSyncing();
      await this.#channels.grantWishes();
    } else if (state === 'revoked') {
      this.emit('revoked', { wipe: this.#store.record.wipe === true, wiped: false });
    }
    this.#settle();
  }

  #untilActive() {
    if (this.#store.record.state === 'active') return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #settle(failure = endOf(this.#store.record)) {
    for (const { resolve, reject } of this.#waiters.splice(0)) failure ? reject(failure) : resolve();
  }

  #told = '';

  #recordChanged() {
    const { state, code } = this.status;
    const said = `${state} ${code} ${this.status.online}`;
    if (said === this.#told) return;
    this.#told = said;
    this.emit('state', this.status);
    if (code) this.emit('code', code);
  }

  /** Tries at once whatever waits: the network is back, the person looks. */
  kick() {
    this.#registration?.wake();
    this.#syncing?.kick();
    this.#leaving?.wake();
  }

  /** Everything here and there, now; rejects if that fails. */
  async sync(channel) {
    this.#checkActive();
    await this.#syncing.syncNow(channel === undefined ? undefined : this.#channels.idOf(channel));
  }

  /** With a laptop's CouchDB in the same network, once. */
  async exchange({ url, username, password, controlPrefix, channelPrefix } = {}) {
    this.#checkActive();
    const neighbour = this.#cloud.at(url, { username, password });
    return exchange({ neighbour, store: this.#store, catalog: this.#catalog, controlPrefix, channelPrefix });
  }

  async rename(name) {
    this.#checkOpen();
    const wanted = checkName(name);
    const { state, id } = this.#store.record;
    if (state === 'active' && this.#catalog.get(id)) await this.#catalog.edit(id, () => ({ name: wanted }));
    else await this.#store.update({ newName: wanted });
    await this.#store.update({ name: wanted });
  }

  async rotate() {
    this.#checkActive();
    // CouchDB locks a name after five wrong log-ins, and requests under way with the secret that ends would be that many.
    await this.#stopSyncing();
    try {
      await this.#logIn.rotate();
    } finally {
      if (this.#store.record.state === 'active') this.#startSyncing();
    }
  }

  devices() {
    return this.#catalog.all('device').map(({ _id, name, state, created, activated }) => (
      { id: _id, name: name ?? null, state, created: created ?? null, activated: activated ?? null, own: _id === this.id }));
  }

  async revoke(id, { wipe = false } = {}) {
    this.#checkActive();
    if (id === this.id) throw new ChannelsError('own_device', 'A device signs itself out by signOut().');
    if (this.#catalog.get(id)?.type !== 'device') throw new ChannelsError('unknown_device', `There is no device ${id} of this user.`);
    await this.#catalog.edit(id, () => ({ state: 'revoke', ...(wipe ? { wipe: true } : {}) }));
  }

  async signOut({ wipe = false, force = false } = {}) {
    this.#checkOpen();
    const wasActive = this.#store.record.state === 'active';
    if (wasActive && wipe && !force) {
      await this.sync().catch((error) => {
        throw new ChannelsError('unsynced', `What was written here may not be in the cloud yet (${error.reason ?? error.message}). With \`force\` it is wiped all the same.`, { cause: error });
      });
    }
    this.#registration?.end();
    this.#registration = null;
    await this.#stopSyncing();
    await this.#store.update({ leaving: wasActive ? true : undefined });
    if (wipe) await this.#wipe();
    this.#settle(new ChannelsError('signed_out', 'The device was signed out.'));
    this.#recordChanged();
    const delivered = wasActive ? await this.#leave() : await this.#left();
    return { delivered };
  }

  /** Resolves after the first try; goes on in the background if that failed. */
  #leave() {
    this.#leaving = new SignOut(this.#cloud, this.#store.record, this.#logIn.credentials());
    return this.#leaving.run((done) => (done ? this.#left() : false));
  }

  async #left() {
    const { dataOwner, dataUser, user = dataUser } = this.#store.record;
    this.#leaving = null;
    this.#store.record = {};
    await this.#store.update({ dataOwner, dataUser: user });
    this.#recordChanged();
    return true;
  }

  async #wipe() {
    this.#duplicates.end();
    this.#catalog.close();
    await this.#store.wipe();
    await this.#store.update({ dataOwner: undefined, wishes: undefined });
    await this.#catalog.reload(this.#store.control);
    this.#duplicates = new Duplicates(this.#store, this.#catalog);
    this.#duplicates.start();
  }

  async close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWatching();
    this.#registration?.end();
    this.#leaving?.end();
    this.#duplicates.end();
    this.#removed.end();
    await this.#stopSyncing();
    this.#catalog.close();
    this.#settle(new ChannelsError('closed', 'The device was closed.'));
    await this.#store.close();
  }

  // --- channels ---

  channel(name) {
    this.#checkOpen();
    return this.#channels.database(checkName(name));
  }

  channels() {
    return this.#channels.all();
  }

  pause(channel) {
    return this.#choose(channel, 'paused');
  }

  resume(channel) {
    return this.#choose(channel, 'active');
  }

  stop(channel) {
    return this.#choose(channel, 'stopped');
  }

  async #choose(channel, state) {
    this.#checkOpen();
    await this.#channels.choose(channel, state);
  }

  async renameChannel(channel, name) {
    this.#checkOpen();
    await this.#channels.rename(channel, checkName(name));
  }

  #changed(doc) {
    this.sharingChanged(doc);
    if (doc.type === 'channel') {
      this.emit('channel', this.#channels.describe(doc._id));
      if (doc.error && doc.error.error !== 'duplicate') this.emit('error', new ChannelsError(doc.error.error, doc.error.reason, { channel: doc._id }));
    } else if (doc.type === 'subscription' && CHANNEL_ID.test(doc.channel)) {
      this.emit('channel', this.#channels.describe(doc.channel));
    } else if (doc._id === this.id && this.#store.record.newName) {
      const { newName } = this.#store.record;
      this.#store.update({ newName: undefined }).then(() => this.rename(newName)).catch((error) => this.emit('error', error));
    }
  }

  // --- syncing ---

  #startSyncing() {
    if (this.#syncing || this.#closed) return;
    const syncing = new Syncing({ cloud: this.#cloud, store: this.#store, catalog: this.#catalog, options: this.#options.sync });
    this.#syncing = syncing;
    syncing.on('sync', (id) => this.emit('sync', this.#channels.describe(id)));
    syncing.on('online', (online) => {
      if (online) this.#refusals = 0;
      if (online) this.#refusedSince = null;
      if (online) this.#removed.tryAgain();
      this.#recordChanged();
    });
    syncing.on('error', (error) => this.emit('error', error));
    syncing.on('refused', () => this.#refused());
    syncing.start();
  }

  async #stopSyncing() {
    const syncing = this.#syncing;
    this.#syncing = null;
    await syncing?.end();
  }

  async #refused() {
    const syncing = this.#syncing;
    let says;
    try {
      says = await this.#logIn.refused();
    } catch (error) {
      if (error instanceof Unavailable) return;
      throw error;
    }
    if (this.#syncing !== syncing || syncing === null) return;
    if (says.revoked) return this.#revoked(says.wipe);
    this.#refusals += 1;
    if (says === 'fine') return void later(backoff(this.#refusals), () => this.#syncing === syncing && syncing.kick());
    // A revocation takes the log-in first, and says so in the handshake a moment later.
    this.#refusedSince ??= Date.now();
    if (Date.now() - this.#refusedSince > REFUSED_LONG_MS) {
      this.#refusedSince = Infinity;
      this.emit('error', new ChannelsError('log_in', 'The server refuses this device, but does not say that it was signed out. It is tried again; if it lasts, sign out and register anew.'));
    }
  }

  /** Told plainly. The data goes only if the app allowed that when it registered, and who revoked wished it. */
  async #revoked(wipe) {
    await this.#stopSyncing();
    const wiped = wipe && this.#store.record.allowWipe === true;
    await this.#store.update({ state: 'revoked', secret: undefined, username: undefined, error: { error: 'revoked', reason: 'This device was signed out by its owner.' } });
    if (wiped) await this.#wipe();
    this.#settle();
    this.#recordChanged();
    this.emit('revoked', { wipe, wiped });
  }

  #checkOpen() {
    if (this.#closed) throw new ChannelsError('closed', 'The device was closed.');
  }

  #checkActive() {
    this.#checkOpen();
    if (!this.#syncing) throw new ChannelsError('not_active', 'This device is not registered, or not confirmed yet.');
  }
}

// How a device gets from "its person typed an address" to "active": its document goes to the handshake once, and from then on
// it waits by reading. Survives a restart at any point; offline it waits for the network.
//
//   (document made) waiting -> new -> confirming (there is a code to show) -> confirmed -> active
//   rejected, error: ended, a person must decide · expired: registered anew, a few times without being asked

import { ChannelsError, Unavailable } from './errors.js';
import { deviceId, newCredential } from './credential.js';
import { Wait, backoff } from './timing.js';

// A person who types a code looks at the screen meanwhile; one who has not done it for long does something else.
const ATTENTIVE_MS = 600000;
const LOOK_MS = 2000;
const SELDOM_LOOK_MS = 15000;
// A cluster may answer 404 for a moment after a write; a document that was answered and vanished has expired.
const MISSES_BELIEVED = 4;
const RENEWALS = 3;

const ENDS = ['active', 'rejected', 'expired', 'error', 'revoked'];

export class Registration {
  #crypto;
  #cloud;
  #store;
  #changed;
  #wait = new Wait();
  #since = Date.now();
  #ended = false;

  /** `changed()` is called after each change of the record. */
  constructor({ crypto, cloud, store, changed }) {
    this.#crypto = crypto;
    this.#cloud = cloud;
    this.#store = store;
    this.#changed = changed;
  }

  /** A new secret, verifier and id, on disk before anything leaves the device. */
  async begin({ owner, name, locale, renewals = 0, ...more }) {
    const { secret, verifier } = await newCredential(this.#crypto);
    const id = await deviceId(this.#crypto, owner, verifier);
    this.#since = Date.now();
    await this.#set({
      state: 'waiting', id, owner, name, locale, secret, credential: verifier, renewals, ...more,
      pushed: false, answered: false, misses: 0, code: undefined, expires: undefined, error: undefined,
      user: undefined, username: undefined, control: undefined, next: undefined, rotation: undefined, rung: undefined, wipe: undefined,
    });
  }

  /** The document as it goes to the handshake, for whoever carries it there. */
  static document({ id, owner, name, locale, credential }) {
    return {
      _id: id, type: 'device', state: 'new', owner, ...(name === undefined ? {} : { name }), ...(locale === undefined ? {} : { locale }), credential,
    };
  }

  /** Until the device is active or the registration has ended. */
  async run() {
    let failures = 0;
    while (!this.#isOver()) {
      let delay = Date.now() - this.#since < ATTENTIVE_MS ? LOOK_MS : SELDOM_LOOK_MS;
      try {
        await this.#step();
        failures = 0;
        if (this.#isOver()) return;
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        failures += 1;
        delay = Math.min(backoff(failures), 60000);
      }
      await this.#wait.for(delay);
    }
  }

  #isOver() {
    return this.#ended || ENDS.includes(this.#store.record.state);
  }

  wake() {
    this.#since = Date.now();
    this.#wait.wake();
  }

  end() {
    this.#ended = true;
    this.#wait.end();
  }

  async #set(changes) {
    await this.#store.update(changes);
    this.#changed();
  }

  /** One look, and what follows from it. */
  async #step() {
    const { id, pushed } = this.#store.record;
    const { status, body } = await this.#cloud.readHandshake(id);
    if (status === 404) return pushed ? this.#missed() : this.#push();
    if (status !== 200) return this.#fail('handshake', `The server does not let the registration be read (${status}): ${body.reason ?? body.error}`);
    return this.#take(body);
  }

  /** Only while nothing is there: what is there is the daemon's, and never pushed again. */
  async #push() {
    const { status, body } = await this.#cloud.writeHandshake(Registration.document(this.#store.record));
    if (status === 201 || status === 202 || status === 409) {
      await this.#set({ pushed: true, state: 'new' });
      return;
    }
    // A carrier may have brought it in this moment: then it is there, and a 403 is normal.
    const there = await this.#cloud.readHandshake(this.#store.record.id);
    if (there.status === 200) return this.#take(there.body);
    return this.#fail('refused', `The server does not take the registration: ${body.reason ?? body.error ?? status}`);
  }

  async #missed() {
    const { answered, misses = 0 } = this.#store.record;
    if (!answered && misses + 1 < MISSES_BELIEVED) {
      await this.#set({ misses: misses + 1 });
      return;
    }
    return this.#renew();
  }

  /** With another salt, and so another id. Each is a mail to the person: not for ever. */
  async #renew() {
    const { owner, name, locale, renewals = 0 } = this.#store.record;
    if (renewals < RENEWALS) {
      await this.begin({ owner, name, locale, renewals: renewals + 1 });
      return;
    }
    await this.#set({ state: 'expired', code: undefined, error: { error: 'expired', reason: 'Nobody confirmed this device in time. Register it again.' } });
  }

  /** A copy that says `new` may be anybody's and says nothing. */
  async #take(doc) {
    const { state } = this.#store.record;
    if (doc.state === 'new') {
      if (!this.#store.record.pushed || state === 'waiting') await this.#set({ pushed: true, state: 'new', misses: 0 });
      return;
    }
    if (doc.state === 'expired') return this.#renew();
    if (doc.state === 'active') return this.#activate(doc);
    const known = { pushed: true, answered: true, misses: 0, state: doc.state };
    if (doc.state === 'confirming') {
      if (state !== 'confirming') await this.#set({ ...known, code: doc.device_code, expires: doc.expires });
    } else if (doc.state === 'confirmed') {
      if (state !== 'confirmed') await this.#set({ ...known, code: undefined, expires: undefined });
    } else if (doc.state === 'rejected') {
      await this.#set({ ...known, code: undefined, error: { error: 'rejected', reason: 'The owner of the address said that this device is not his.' } });
    } else if (doc.state === 'error') {
      return this.#fail(doc.error?.error ?? 'error', doc.error?.reason ?? 'The registration failed.');
    } else if (doc.state === 'revoked') {
      await this.#set({ ...known, code: undefined, wipe: doc.wipe === true });
    }
  }

  async #activate({ user, username, syncpoint }) {
    const { id } = this.#store.record;
    if (username !== `device-${id}` || !/^[a-z0-9]+$/.test(user ?? '') || !this.#cloud.accepts(syncpoint, user)) {
      return this.#fail('bad_syncpoint', `The server names ${syncpoint} as this user's database; expected is a database of ${this.#cloud.server}. Is \`server\` the installation's public_url?`);
    }
    await this.#set({ state: 'active', pushed: true, answered: true, misses: 0, renewals: 0, code: undefined, expires: undefined, user, username, control: syncpoint, rotation: 0, since: new Date().toISOString() });
  }

  async #fail(error, reason) {
    await this.#set({ state: 'error', code: undefined, error: { error, reason } });
  }
}

/** What register() rejects with, for a registration that ended otherwise than active. */
export function endOf(record) {
  if (record.state === 'active') return null;
  const { error, reason } = record.error ?? { error: record.state, reason: `The registration ended: ${record.state}.` };
  return new ChannelsError(error, reason);
}

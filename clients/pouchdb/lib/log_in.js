// What becomes of a device whose log-in is refused, and how it changes its secret. A refusal alone says nothing: the
// server may be restored, a name locked. A device is revoked when its handshake document says so AND its own log-in is refused
// (401): neither a stranger's branch nor a server in trouble ends it.

import { ChannelsError, Unavailable } from './errors.js';
import { newCredential } from './credential.js';

const LOOK_MS = 500;
const LOOKS = 120;
// CouchDB remembers for so long what it knows of a user.
const OLD_SECRET_MS = 1500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class LogIn {
  #crypto;
  #cloud;
  #store;
  #looking = null;

  constructor({ crypto, cloud, store }) {
    this.#crypto = crypto;
    this.#cloud = cloud;
    this.#store = store;
  }

  /** {username, password}, or null before the device is active. */
  credentials() {
    const { username, secret } = this.#store.record;
    return username ? { username, password: secret } : null;
  }

  /** After a 401: 'fine', 'unknown' or {revoked: true, wipe}. Throws Unavailable. */
  refused() {
    this.#looking ??= this.#look().finally(() => { this.#looking = null; });
    return this.#looking;
  }

  async #look() {
    const taken = await this.#cloud.takesLogIn(this.credentials());
    if (taken !== false) return taken ? 'fine' : 'unknown';
    if (await this.#tryNext()) return 'fine';
    const { status, body } = await this.#cloud.readHandshake(this.#store.record.id);
    return status === 200 && body.state === 'revoked' ? { revoked: true, wipe: body.wipe === true } : 'unknown';
  }

  /** A rotation whose end this device did not see: the new secret may be the one that counts. */
  async #tryNext() {
    const { next, username } = this.#store.record;
    if (!next || !await this.#cloud.takesLogIn({ username, password: next.secret })) return false;
    await this.#swap(next);
    return true;
  }

  /** Another secret, by a rotate document. Both are kept until the server has taken it. */
  async rotate() {
    const { next: begun, rotation = 0, id } = this.#store.record;
    const next = begun ?? await this.#beginRotation(rotation + 1);
    const document = { _id: `rotate-${id}-${next.number}`, type: 'rotate', state: 'new', credential: next.credential };
    let { status, body } = await this.#cloud.readHandshake(document._id);
    if (status === 404) ({ status, body } = await this.#cloud.writeHandshake(document, this.credentials()));
    if (status === 401) throw new ChannelsError('log_in', 'The server refuses this device\'s log-in.');
    if (status === 403) throw new ChannelsError('forbidden', `The server does not take the new secret: ${body.reason}`);
    const done = await this.#answerTo(document._id);
    if (done.state === 'done') {
      await pause(OLD_SECRET_MS);
      return this.#swap(next);
    }
    await this.#store.update({ next: undefined });
    throw new ChannelsError(done.error?.error ?? 'error', done.error?.reason ?? 'The server did not take the new secret.');
  }

  async #beginRotation(number) {
    const { secret, verifier } = await newCredential(this.#crypto);
    const next = { secret, credential: verifier, number };
    await this.#store.update({ next });
    return next;
  }

  async #answerTo(id) {
    for (let look = 0; look < LOOKS; look += 1) {
      const { status, body } = await this.#cloud.readHandshake(id);
      if (status === 200 && body.state !== 'new') return body;
      await pause(LOOK_MS);
    }
    throw new Unavailable('The server has not taken the new secret yet. Both are kept; rotate() again goes on.');
  }

  #swap(next) {
    return this.#store.update({ secret: next.secret, credential: next.credential, rotation: next.number, next: undefined });
  }
}

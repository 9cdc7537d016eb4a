// A device that leaves asks for its own revocation, by its document in the cloud's control database. Offline that waits; the
// secret is kept for it and for nothing else.

import { Unavailable } from './errors.js';
import { Wait, backoff } from './timing.js';

export class SignOut {
  #cloud;
  #record;
  #auth;
  #wait = new Wait();
  #ended = false;

  constructor(cloud, record, auth) {
    this.#cloud = cloud;
    this.#record = record;
    this.#auth = auth;
  }

  /** Calls `done(true)` once the server knows; resolves with the outcome of the first try. */
  async run(done) {
    if (await this.#try()) return done(true);
    this.#goOn(done);
    return done(false);
  }

  async #goOn(done) {
    for (let failures = 1; !this.#ended; failures += 1) {
      await this.#wait.for(backoff(failures));
      if (!this.#ended && await this.#try()) return done(true);
    }
  }

  async #try() {
    try {
      return await this.#revokeMyself();
    } catch (error) {
      if (error instanceof Unavailable) return false;
      throw error;
    }
  }

  async #revokeMyself() {
    const path = `${this.#record.control.slice(this.#cloud.server.length)}/${this.#record.id}`;
    for (;;) {
      const { status, body } = await this.#cloud.request(path, { auth: this.#auth });
      // Refused: it is out already. Missing: there is nothing that could be revoked here.
      if (status !== 200 || body.state !== 'active') return true;
      const saved = await this.#cloud.request(path, { method: 'PUT', auth: this.#auth, body: { ...body, state: 'revoke' } });
      if (saved.status !== 409) return true;
    }
  }

  wake() {
    this.#wait.wake();
  }

  end() {
    this.#ended = true;
    this.#wait.end();
  }
}

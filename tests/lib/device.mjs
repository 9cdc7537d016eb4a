// What a device does, by the contract's letter and by nothing else: makes its secret and verifier,
// registers, waits, logs in. And what the confirmation page does: the proof and the confirm document.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { basicAuth, request, waitFor } from './net.mjs';

export function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

export function hmac(key, message) {
  return createHmac('sha256', key).update(message).digest('hex');
}

/** A new secret and the verifier that stands for it in documents. */
export function newCredential() {
  const secret = randomBytes(16).toString('hex');
  const salt = randomBytes(16).toString('hex');
  const derivedKey = pbkdf2Sync(secret, salt, 1, 20, 'sha1').toString('hex');
  return { secret, verifier: { password_scheme: 'pbkdf2', salt, iterations: 1, derived_key: derivedKey } };
}

export class Device {
  /** `handshake` is the URL of the handshake database. */
  constructor({ handshake, owner, name, locale }) {
    const { secret, verifier } = newCredential();
    Object.assign(this, { handshake, owner, name, locale, secret, credential: verifier });
    this.id = sha256(`${owner}\n${verifier.salt}\n${verifier.derived_key}`);
  }

  get username() {
    return `device-${this.id}`;
  }

  /** For request(): its own log-in. */
  get auth() {
    return { user: this.username, password: this.secret };
  }

  document() {
    const { id, owner, name, locale, credential } = this;
    return {
      _id: id, type: 'device', state: 'new', owner, credential,
      ...(name === undefined ? {} : { name }), ...(locale === undefined ? {} : { locale }),
    };
  }

  register(body = this.document()) {
    return request(`${this.handshake}/${this.id}`, { method: 'PUT', body });
  }

  async read() {
    const { status, body } = await request(`${this.handshake}/${this.id}`);
    return status === 200 ? body : null;
  }

  waitFor(state, options) {
    return waitFor(async () => {
      const doc = await this.read();
      return doc?.state === state && doc;
    }, { what: `device "${state}"`, ...options });
  }

  /** A request to a database as this device; `url` is whole. */
  request(url, options = {}) {
    return request(url, { ...options, headers: { ...basicAuth(this.auth), ...options.headers } });
  }
}

export const YES = 'yes';
export const YES_ALONE = 'yes, sign out all others';
export const NOT_ME = 'not me';

/** The confirm document that the page makes of the link's subject and code, and of what the person typed. */
export function confirmDocument({ subject, code, answer = YES, deviceCode }) {
  const message = answer === NOT_ME ? answer : `${answer}\n${deviceCode.toUpperCase().replaceAll('-', '')}`;
  return withConfirmId({ type: 'confirm', state: 'clicked', device: subject, answer, proof: hmac(code, message) });
}

export function withConfirmId(doc) {
  return { _id: sha256(`${doc.device}\n${doc.answer}\n${doc.proof}`), ...doc };
}

/** Writes a confirm and waits until the daemon has answered it; gives the document. */
export async function confirm(handshake, doc) {
  const written = await request(`${handshake}/${doc._id}`, { method: 'PUT', body: doc });
  if (written.status !== 201 && written.status !== 409) throw new Error(`confirm: ${written.status} ${written.text}`);
  return waitFor(async () => {
    const { body } = await request(`${handshake}/${doc._id}`);
    return (body?.state === 'used' || body?.state === 'error') && body;
  }, { what: 'an answer to the confirm' });
}

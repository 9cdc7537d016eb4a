// A device's secret, the verifier that stands for it in documents, and the id that proves both. By WebCrypto alone.
// The rules are those of docs/documents.md: PBKDF2 with SHA-1, one iteration, 20 bytes, the salt's hex digits as text.

import { ChannelsError } from './errors.js';

const SECRET_BYTES = 32;
const SALT_BYTES = 16;
const KEY_BITS = 160;

/** WebCrypto, or an error that says why there is none. Node 18 has it in a module only. */
export async function findCrypto() {
  const found = globalThis.crypto ?? await fromNode();
  if (found?.subtle) return found;
  throw new ChannelsError('no_webcrypto', 'This needs WebCrypto (crypto.subtle), which browsers offer to pages from https:// or localhost only. Open the page from there.');
}

async function fromNode() {
  if (!globalThis.process?.versions?.node) return undefined;
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:crypto')).webcrypto;
}

const bytesOf = (text) => new TextEncoder().encode(text);

function hexOf(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function randomHex(crypto, bytes) {
  return hexOf(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** {secret, verifier}: the secret stays on this device, the verifier is a document's `credential`. */
export async function newCredential(crypto) {
  const secret = randomHex(crypto, SECRET_BYTES);
  const salt = randomHex(crypto, SALT_BYTES);
  const key = await crypto.subtle.importKey('raw', bytesOf(secret), 'PBKDF2', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-1', salt: bytesOf(salt), iterations: 1 }, key, KEY_BITS);
  return { secret, verifier: { password_scheme: 'pbkdf2', salt, iterations: 1, derived_key: hexOf(bits) } };
}

/** The _id that proves owner and credential. */
export async function deviceId(crypto, owner, { salt, derived_key: key }) {
  return hexOf(await crypto.subtle.digest('SHA-256', bytesOf(`${owner}\n${salt}\n${key}`)));
}

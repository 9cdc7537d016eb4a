// Passwords as CouchDB stores them: in [admins] as "-pbkdf2…" text, in _users as fields. Pure functions.

import { createHash, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { forbidden } from './errors.mjs';

const DIGESTS = { sha: 'sha1', sha224: 'sha224', sha256: 'sha256', sha384: 'sha384', sha512: 'sha512' };
const DIGEST_BYTES = { sha: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 };

function derive(prf, password, salt, iterations) {
  if (!Object.hasOwn(DIGESTS, prf)) throw forbidden('PRF is invalid');
  return pbkdf2Sync(password, salt, iterations, DIGEST_BYTES[prf], DIGESTS[prf]).toString('hex');
}

function sameText(left, right) {
  const a = Buffer.from(String(left));
  const b = Buffer.from(String(right));
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The `[admins]` value for a password, as a node writes it at its start. */
export function hashAdmin(password, iterations) {
  const salt = randomBytes(16).toString('hex');
  return `-pbkdf2:sha256-${derive('sha256', password, salt, iterations)},${salt},${iterations}`;
}

/** The fields of `_users` for a password in clear. */
export function hashUser(password, iterations) {
  const salt = randomBytes(16).toString('hex');
  return {
    password_scheme: 'pbkdf2', pbkdf2_prf: 'sha256', salt, iterations,
    derived_key: derive('sha256', password, salt, iterations),
  };
}

/** An `[admins]` value in the form of a `_users` document; null if it is none of the known forms. */
export function parseAdmin(value) {
  const pbkdf2 = /^-pbkdf2(?::(\w+))?-([0-9a-f]+),([^,]*),(\d+)$/.exec(value);
  if (pbkdf2) {
    const [, prf = 'sha', key, salt, iterations] = pbkdf2;
    return { password_scheme: 'pbkdf2', pbkdf2_prf: prf, derived_key: key, salt, iterations: Number(iterations) };
  }
  const simple = /^-hashed-([0-9a-f]+),(.*)$/.exec(value);
  if (simple) return { password_scheme: 'simple', password_sha: simple[1], salt: simple[2] };
  return null;
}

export function isHashed(value) {
  return parseAdmin(value) !== null;
}

/** Whether the password belongs to the verifier (a `_users` document or a parsed admin). */
export function verify(verifier, password) {
  const salt = verifier.salt ?? '';
  if ((verifier.password_scheme ?? 'simple') === 'pbkdf2') {
    const key = derive(verifier.pbkdf2_prf ?? 'sha', password, salt, verifier.iterations ?? 10000);
    return sameText(key, verifier.derived_key);
  }
  const sha = createHash('sha1').update(password + salt).digest('hex');
  return verifier.password_sha !== undefined && sameText(sha, verifier.password_sha);
}

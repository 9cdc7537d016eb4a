// The rules of `_users`: who may see and write which user's document, and how a password in clear
// becomes a verifier. On CouchDB these are a validation function and hooks of the database.

import { forbidden, notFound, unauthorized } from './errors.mjs';
import { hashUser } from './passwords.mjs';
import { isDatabaseAdmin, isServerAdmin } from './security.mjs';

const PREFIX = 'org.couchdb.user:';
const PUBLIC_FIELDS = [];  // [chttpd_auth] public_fields is empty by default

const nameOf = (id) => (id.startsWith(PREFIX) ? id.slice(PREFIX.length) : undefined);
const isAdmin = (database, userCtx) => isDatabaseAdmin(userCtx, database.security);

/** Hashes the password and checks the document; returns what is to be stored. */
export async function beforeUserWrite(database, doc, userCtx) {
  if (database.name !== '_users' || doc._id.startsWith('_design/')) return doc;
  if (!isAdmin(database, userCtx) && userCtx.name !== null && userCtx.name !== nameOf(doc._id)) throw notFound();
  const wanted = hashPassword(database, doc);
  const old = await database.read(doc._id).catch(() => null);
  if (wanted._deleted) checkDeletion(old, userCtx, database);
  else checkUser(wanted, old, userCtx, database);
  return wanted;
}

function hashPassword(database, doc) {
  if (doc.password === undefined || doc.password === null) return doc;
  const { password, password_scheme, password_sha, pbkdf2_prf, salt, iterations, derived_key, ...rest } = doc;
  return { ...rest, ...hashUser(String(password), database.store.passwordIterations()) };
}

function checkDeletion(old, userCtx, database) {
  if (isAdmin(database, userCtx) || (old && userCtx.name === old.name)) return;
  throw forbidden('Only admins may delete other user docs.');
}

function checkUser(doc, old, userCtx, database) {
  if (doc.type !== 'user') throw forbidden('doc.type must be user');
  if (!doc.name) throw forbidden('doc.name is required');
  if (!Array.isArray(doc.roles)) throw forbidden('doc.roles must exist');
  if (!doc.roles.every((role) => typeof role === 'string')) throw forbidden('doc.roles can only contain strings');
  if (doc._id !== PREFIX + doc.name) throw forbidden('Doc ID must be of the form org.couchdb.user:name');
  if (old && old.name !== doc.name) throw forbidden('Usernames can not be changed.');
  checkVerifier(doc);
  if (!isAdmin(database, userCtx)) checkOwnEdit(doc, old, userCtx);
  if (doc.roles.some((role) => role.startsWith('_') && role !== '_metrics')) {
    throw forbidden('No system roles (starting with underscore) in users db.');
  }
  if (doc.name.startsWith('_')) throw forbidden('Username may not start with underscore.');
  if (doc.name.includes(':')) throw forbidden('Character `:` is not allowed in usernames.');
}

function checkVerifier(doc) {
  if (doc.password_sha && !doc.salt) throw forbidden('Users with password_sha must have a salt.');
  if (doc.password_scheme !== 'pbkdf2') return;
  if (typeof doc.iterations !== 'number') throw forbidden('iterations must be a number.');
  if (typeof doc.derived_key !== 'string') throw forbidden('derived_key must be a string.');
}

function checkOwnEdit(doc, old, userCtx) {
  if (!old) {
    if (doc.roles.length > 0) throw forbidden('Only _admin may set roles');
    return;
  }
  if (userCtx.name !== doc.name) throw forbidden('You may only update your own user document.');
  const sorted = (roles) => JSON.stringify([...roles].sort());
  if (sorted(old.roles) !== sorted(doc.roles)) throw forbidden('Only _admin may edit roles');
}

/** Nobody but an admin lists users, and each sees his own document only. */
export function checkUserRoute(exchange, database, [first]) {
  const { userCtx } = exchange;
  if (first === '_all_docs' || first === '_changes') {
    if (!isServerAdmin(userCtx)) throw unauthorized('You are not a server admin.');
  } else if (first === '_security' || first === '_local_docs') {
    if (!isAdmin(database, userCtx)) throw forbidden('You are not allowed to access this db.');
  } else if (first === '_bulk_get' || first === '_design') {
    if (!isAdmin(database, userCtx)) {
      throw forbidden('Only administrators can view design docs in the users database.');
    }
  }
}

export function visibleUser(database, doc, userCtx) {
  if (database.name !== '_users' || isAdmin(database, userCtx) || userCtx.name === nameOf(doc._id)) return doc;
  const shown = Object.fromEntries(Object.entries(doc).filter(([field]) => PUBLIC_FIELDS.includes(field)));
  if (Object.keys(shown).length === 0) throw notFound();
  return shown;
}

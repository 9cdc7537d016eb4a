// Who may enter a database: its security object, checked before anything else is done with a database,
// on every route. Logged-in strangers get 403, anonymous ones 401, as from CouchDB.

import { badRequest, forbidden, methodNotAllowed, unauthorized } from './errors.mjs';

const refuse = (userCtx, reason) => (userCtx.name === null ? unauthorized(reason) : forbidden(reason));

export const isServerAdmin = (userCtx) => userCtx.roles.includes('_admin');

const listed = (userCtx, { names = [], roles = [] } = {}) =>
  (userCtx.name !== null && names.includes(userCtx.name)) || userCtx.roles.some((role) => roles.includes(role));

export function requireServerAdmin(userCtx) {
  if (!isServerAdmin(userCtx)) throw refuse({ name: null }, 'You are not a server admin.');
}

export const isDatabaseAdmin = (userCtx, security) => isServerAdmin(userCtx) || listed(userCtx, security.admins);

/** For routes that only a database's admin may use; CouchDB answers 401 here, whoever asks. */
export function requireDatabaseAdmin(userCtx, security) {
  if (!isDatabaseAdmin(userCtx, security)) throw unauthorized('You are not a server or db admin.');
}

/** For documents that only a database's admin may write (design documents, the security object). */
export function requireDatabaseAdminToWrite(userCtx, security) {
  if (isDatabaseAdmin(userCtx, security)) return;
  throw userCtx.name === null
    ? unauthorized('You are not authorized to access this db.')
    : forbidden('You are not a db or server admin.');
}

export function requireMember(userCtx, security) {
  if (isDatabaseAdmin(userCtx, security)) return;
  const { names = [], roles = [] } = security.members ?? {};
  if (names.length === 0 && roles.length === 0) return;
  if (listed(userCtx, security.members)) return;
  throw userCtx.name === null
    ? unauthorized('You are not authorized to access this db.')
    : forbidden('You are not allowed to access this db.');
}

function checkSecurityObject(security) {
  for (const group of ['admins', 'members']) {
    for (const kind of ['names', 'roles']) {
      const list = security[group]?.[kind];
      if (list !== undefined && !(Array.isArray(list) && list.every((entry) => typeof entry === 'string'))) {
        throw badRequest(`${kind} must be a JSON list of strings`);
      }
    }
  }
}

export async function securityRoute(exchange, database) {
  if (exchange.method === 'GET') return exchange.send(200, database.security);
  if (exchange.method !== 'PUT') throw methodNotAllowed('PUT,GET');
  requireDatabaseAdminToWrite(exchange.userCtx, database.security);
  const security = await exchange.jsonObject();
  checkSecurityObject(security);
  await database.exclusively(() => database.setSecurity(security));
  exchange.send(200, { ok: true });
}

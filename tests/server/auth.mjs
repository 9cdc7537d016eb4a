// Who is asking: basic authentication and the AuthSession cookie, made and read as CouchDB's
// couch_httpd_auth does, so that a program that mints an admin's cookie itself is let in here too.
// The cookie is base64url("name:HEXTIME:" + HMAC(secret + salt, "name:HEXTIME")).

import { createHmac, timingSafeEqual } from 'node:crypto';
import { CouchError, badRequest, methodNotAllowed, unauthorized } from './errors.mjs';
import { parseAdmin, verify } from './passwords.mjs';

// A cookie older than a tenth of its life is answered with a fresh one.
const RENEW_BELOW = 0.9;
const WRONG = 'Name or password is incorrect.';
const HASHES = { sha: 'sha1', sha256: 'sha256', sha512: 'sha512' };

const nowSeconds = () => Math.floor(Date.now() / 1000);

export class Authenticator {
  constructor(config, store) {
    this.config = config;
    this.store = store;
  }

  /** The verifier and roles of a name: an admin of the configuration, or a `_users` document. */
  async credentials(name) {
    const hashed = this.config.get('admins', name);
    const admin = hashed === undefined ? null : parseAdmin(hashed);
    if (admin) return { ...admin, roles: ['_admin'] };
    if (!this.store.has('_users')) return null;
    const users = await this.store.database('_users');
    const doc = await users.read(`org.couchdb.user:${name}`).catch(() => null);
    return doc && doc.type === 'user' ? { ...doc, roles: Array.isArray(doc.roles) ? doc.roles : [] } : null;
  }

  async authenticate(exchange) {
    const basic = basicCredentials(exchange.req.headers.authorization);
    const cookie = sessionCookie(exchange.req.headers.cookie);
    // CouchDB asks its handlers in this order (cookie, then basic); the first that knows wins.
    if (cookie && await this.byCookie(exchange, cookie)) return;
    if (basic) await this.byPassword(exchange, basic.name, basic.password);
  }

  async byPassword(exchange, name, password) {
    const found = await this.credentials(name);
    if (!found || !verify(found, password)) throw unauthorized(WRONG);
    exchange.userCtx = { name, roles: found.roles };
    exchange.handler = 'default';
  }

  async byCookie(exchange, cookie) {
    const parsed = parseCookie(cookie);
    const secret = this.config.get('chttpd_auth', 'secret');
    const found = secret === undefined ? null : await this.credentials(parsed.name);
    if (!found) return false;
    const timeout = Number(this.config.get('chttpd_auth', 'timeout') ?? 600);
    const left = parsed.time + timeout - nowSeconds();
    if (!(left > 0) || !this.signatures(secret, found.salt, parsed.signed).some((mac) => sameBytes(mac, parsed.mac))) {
      return false;
    }
    exchange.userCtx = { name: parsed.name, roles: found.roles };
    exchange.handler = 'cookie';
    if (left < timeout * RENEW_BELOW) exchange.cookies.push(this.mint(parsed.name, found.salt));
    return true;
  }

  signatures(secret, salt, signed) {
    const names = (this.config.get('chttpd_auth', 'hash_algorithms') ?? 'sha256, sha').split(',');
    return names.map((name) => name.trim()).filter((name) => name in HASHES)
      .map((name) => createHmac(HASHES[name], secret + (salt ?? '')).update(signed).digest());
  }

  mint(name, salt) {
    const secret = this.config.get('chttpd_auth', 'secret');
    const timeout = this.config.get('chttpd_auth', 'timeout') ?? '600';
    const signed = `${name}:${nowSeconds().toString(16).toUpperCase()}`;
    const [mac] = this.signatures(secret, salt, signed);
    const value = Buffer.concat([Buffer.from(`${signed}:`), mac]).toString('base64url');
    return `AuthSession=${value}; Version=1; Max-Age=${timeout}; Path=/; HttpOnly`;
  }

  async session(exchange) {
    switch (exchange.method) {
      case 'GET': return this.describe(exchange);
      case 'POST': return this.login(exchange);
      case 'DELETE':
        exchange.cookies.push('AuthSession=; Version=1; Path=/; HttpOnly');
        return exchange.send(200, { ok: true });
      default: throw methodNotAllowed('GET,HEAD,POST,DELETE');
    }
  }

  describe(exchange) {
    if (exchange.userCtx.name === null && exchange.flag('basic')) throw unauthorized('Please login.');
    const info = { authentication_handlers: ['cookie', 'default'] };
    if (exchange.handler) info.authenticated = exchange.handler;
    exchange.send(200, { ok: true, userCtx: exchange.userCtx, info });
  }

  async login(exchange) {
    const { name, password } = await loginForm(exchange);
    const found = await this.credentials(name);
    if (!found || !verify(found, password)) {
      exchange.cookies.push('AuthSession=; Version=1; Path=/; HttpOnly');
      throw unauthorized(WRONG);
    }
    exchange.cookies.push(this.mint(name, found.salt));
    exchange.send(200, { ok: true, name, roles: found.roles });
  }
}

function basicCredentials(header) {
  if (!header?.startsWith('Basic ')) return null;
  const text = Buffer.from(header.slice('Basic '.length), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function sessionCookie(header) {
  const match = /(?:^|;\s*)AuthSession="?([^";]*)/.exec(header ?? '');
  return match ? match[1] : '';
}

function parseCookie(cookie) {
  const bytes = Buffer.from(cookie, 'base64url');
  const first = bytes.indexOf(':');
  const second = first < 0 ? -1 : bytes.indexOf(':', first + 1);
  if (second < 0) throw badRequest('Malformed AuthSession cookie. Please clear your cookies.');
  const signed = bytes.subarray(0, second).toString('utf8');
  return {
    name: bytes.subarray(0, first).toString('utf8'),
    time: Number.parseInt(bytes.subarray(first + 1, second).toString('utf8'), 16),
    signed,
    mac: bytes.subarray(second + 1),
  };
}

function sameBytes(left, right) {
  return left.length === right.length && timingSafeEqual(left, right);
}

async function loginForm(exchange) {
  const type = (exchange.req.headers['content-type'] ?? '').split(';')[0].trim();
  const text = (await exchange.body()).toString('utf8');
  let form;
  if (type === 'application/json') {
    form = JSON.parse(text);
  } else if (type === 'application/x-www-form-urlencoded') {
    form = Object.fromEntries(new URLSearchParams(text));
  } else {
    throw new CouchError(415, 'bad_content_type',
      "Content-Type must be 'application/x-www-form-urlencoded' or 'application/json'");
  }
  const name = form.name ?? form.username;
  if (name === undefined) throw badRequest('request body must contain a username');
  return { name: String(name), password: String(form.password ?? '') };
}

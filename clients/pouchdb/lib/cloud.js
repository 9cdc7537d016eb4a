// The server, as a device sees it: single requests, log-in, remote databases; and which URLs a device sends its
// password to.

import { ChannelsError, Unavailable } from './errors.js';
import { later } from './timing.js';

const REQUEST_MS = 30000;
const TRANSFER_MS = 600000;  // a batch with large attachments, on a slow line
// The server answers a feed without changes after that. Shorter than what most NATs and proxies keep a silent
// connection for; a feed that is silent for longer still is dead.
export const LONG_POLL_MS = 55000;
const LONG_POLL_GRACE_MS = 30000;
const DIRECTORY_PAGE = 500;

export class Cloud {
  #PouchDB;

  #ownFetch;
  #latest = new WeakMap();

  /** `server` is public_url; `credentials()` gives {username, password} or null; `fetch` is the app's own, if it has one. */
  constructor(PouchDB, { server, handshake, directory, credentials, fetch }) {
    this.#PouchDB = PouchDB;
    this.#ownFetch = fetch;
    this.server = serverUrl(server);
    this.handshake = handshake;
    this.directory = directory;
    this.credentials = credentials;
  }

  /** Another server, with another log-in: no password of this one goes there. */
  at(server, auth) {
    return new Cloud(this.#PouchDB, { server, handshake: this.handshake, credentials: () => auth, fetch: this.#ownFetch });
  }

  /** One request: {status, body}. Throws Unavailable where there is no answer, or none that says something. */
  async request(path, { method = 'GET', body, auth = null } = {}) {
    const headers = { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...basic(auth) };
    const ask = this.#ownFetch ?? fetch;
    let status;
    let answer;
    try {
      const signal = AbortSignal.timeout?.(REQUEST_MS);
      const response = await ask(this.server + path, { method, headers, body: body && JSON.stringify(body), credentials: 'omit', cache: 'no-store', signal });
      status = response.status;
      answer = await response.json();
    } catch (error) {
      // A captive portal answers 200 with a page of its own.
      throw new Unavailable(`${this.server} cannot be reached, or is no CouchDB. It is tried again.`, { cause: error, ...(status ? { status } : {}) });
    }
    if (status === 429 || status >= 500) throw new Unavailable(`${this.server} is busy (${status}). It is tried again.`, { status });
    return { status, body: answer };
  }

  /** This device's documents in the handshake. */
  readHandshake(id) {
    return this.request(`${encodeURIComponent(this.handshake)}/${id}`);
  }

  writeHandshake(doc, auth = null) {
    return this.request(`${encodeURIComponent(this.handshake)}/${doc._id}`, { method: 'PUT', body: doc, auth });
  }

  /** All documents of the server's directory of public channels. */
  async readDirectory() {
    const auth = this.credentials();
    if (!auth) throw new ChannelsError('not_active', 'This device is not registered, or not confirmed yet.');
    const docs = [];
    for (let last = null; ;) {
      const after = last === null ? '' : `&startkey=${encodeURIComponent(JSON.stringify(last))}`;
      const path = `${encodeURIComponent(this.directory)}/_all_docs?include_docs=true&limit=${DIRECTORY_PAGE}${after}`;
      const { status, body } = await this.request(path, { auth }).catch((error) => { throw this.#notPassed(error) ?? error; });
      if (status !== 200) throw directoryError(status, body);
      docs.push(...body.rows.filter(({ id, doc }) => doc && id !== last).map(({ doc }) => doc));
      if (body.rows.length < DIRECTORY_PAGE) return docs;
      last = body.rows.at(-1).id;
    }
  }

  /** What is refused without a word of CouchDB's is a proxy's own answer: its configuration names what it lets through. */
  #notPassed({ status, cause }) {
    if (!(status >= 400 && status < 500)) return null;
    return new ChannelsError('no_directory', `A proxy before ${this.server} answers ${status} by itself where the directory of public channels should be. ` +
      `Its configuration has to let the database "${this.directory}" through, as it does channels (docs/operations.md, "A reverse proxy in front, and TLS"); or \`directory\` is not what [channels] directory_db is.`, { status, cause });
  }

  /** Whether the server takes this log-in: true, false (401 and nothing else), undefined where it doesn't say. */
  async takesLogIn(auth) {
    const { status, body } = await this.request('_session', { auth });
    if (status === 401) return false;
    return status === 200 && body.userCtx?.name === auth.username ? true : undefined;
  }

  /** Whether the channel's database refuses this device, which is logged in. Only the server's own word: documents come from the user's other devices, too. */
  async shutsOut(database, id) {
    if (typeof database !== 'string' || !this.accepts(this.server + database, id)) return false;
    const { status } = await this.request(database, { auth: this.credentials() });
    return status === 403;
  }

  /** A remote PouchDB that logs in as this device. */
  database(url) {
    // A prefix of PouchDB.defaults() would become a part of the URL.
    const database = new this.#PouchDB(url, { prefix: '', skip_setup: true, adapter: url.startsWith('https:') ? 'https' : 'http', fetch: (path, options) => this.#fetch(path, options) });
    return withHarmlessInfo(database);
  }

  #fetch(url, options) {
    for (const [name, value] of Object.entries(basic(this.credentials()))) options.headers.set(name, value);
    const controller = new AbortController();
    // Not ended with the headers: a long-poll sends those at once. To abort what is over does nothing.
    later(url.includes('feed=longpoll') ? LONG_POLL_MS + LONG_POLL_GRACE_MS : TRANSFER_MS, () => controller.abort());
    if (options.signal) this.#abortWith(options.signal, controller);
    const ask = this.#ownFetch ?? this.#PouchDB.fetch;
    return ask(url, { ...options, credentials: 'omit', signal: controller.signal });
  }

  /** PouchDB has one signal for all requests of a feed, one after the other: it gets one listener, not one for each. */
  #abortWith(signal, controller) {
    if (signal.aborted) return controller.abort();
    let latest = this.#latest.get(signal);
    if (!latest) {
      latest = {};
      this.#latest.set(signal, latest);
      signal.addEventListener('abort', () => latest.controller.abort(), { once: true });
    }
    latest.controller = controller;
  }

  /**
   * A document's `syncpoint` is where the password goes, and another device of the user may have written it: it must be the URL
   * of registration plus one segment that ends in -<id>.
   */
  accepts(syncpoint, id) {
    if (typeof syncpoint !== 'string' || !syncpoint.startsWith(this.server)) return false;
    const segment = syncpoint.slice(this.server.length);
    return /^[a-z0-9_$()+%A-F-]+$/.test(segment) && segment.endsWith(`-${id}`) && new URL(syncpoint).href === syncpoint;
  }
}

/**
 * After each batch PouchDB's replication asks its source for info() to count tasks, and nobody catches what that rejects with: a network that
 * goes away in that moment would end a Node process. Whatever is wrong, the requests beside it say so.
 */
function withHarmlessInfo(database) {
  const info = database.info.bind(database);
  database.info = () => info().catch(() => ({ db_name: database.name, doc_count: 0, update_seq: 0 }));
  return database;
}

function directoryError(status, { reason } = {}) {
  if (status === 404) return new ChannelsError('no_directory', 'This server has no directory of public channels, or it has another name than `directory` says.', { status });
  return new ChannelsError(status === 401 ? 'log_in' : 'forbidden', reason ?? `The server answers ${status}.`, { status });
}

function basic(auth) {
  if (!auth) return {};
  return { authorization: `Basic ${btoa(`${auth.username}:${auth.password}`)}` };
}

/** In the one form that URLs are compared in: a slash at the end, no name or password, query or fragment. */
export function serverUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw new ChannelsError('bad_server', `"${text}" is no URL. \`server\` is the public_url of the installation, as https://sync.example.com/`);
  }
  if (!/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new ChannelsError('bad_server', `"${text}" must be an http:// or https:// URL without a name, password, query or fragment.`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

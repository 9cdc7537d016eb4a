// A server for a test: startCouch() takes, in this order, the one that COUCHDB_URL names (with COUCHDB_USER
// and COUCHDB_PASSWORD), a CouchDB installed under /opt/couchdb (COUCHDB_HOME), the embedded server.
// It says which: `kind` is "external", "couchdb" or "embedded", `name` is for people.
//
// A test that kills its server or changes its configuration asks for its own: startCouch({own: true}). Under
// the runner COUCHDB_URL names the server that all files share, and CHANNELS_TEST_SERVER_KIND says whether a
// person gave it ("external"): then there is no other one to be had, and `own` gives that one as well;
// such a test looks at `kind` and skips aloud.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashAdmin } from '../server/passwords.mjs';
import { freePort, request, waitFor } from './net.mjs';
import { COUCHDB_HOME, couchdbServer, embeddedServer } from './server_process.mjs';

export { basicAuth, freePort, request, waitFor } from './net.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STOP_MS = 15000;

/** Which kind startCouch() would take. */
export function serverKind({ own = false } = {}) {
  const given = process.env.CHANNELS_TEST_SERVER_KIND;
  if (process.env.COUCHDB_URL && (!own || !given || given === 'external')) return given || 'external';
  return existsSync(join(COUCHDB_HOME, 'bin/couchdb')) ? 'couchdb' : 'embedded';
}

/**
 * Options: own; user, password; port; dir (kept afterwards; default a temporary folder, removed by close());
 * persistent (data outlive kill(); default for own); pages ({name: folder} shown as /_utils/name/;
 * default the confirmation page as channels); config ({section: {key: value}} on top; undefined takes a key away);
 * env (of a CouchDB that is started, on top; may be changed between stop() and start()).
 * Answers {url, user, password, secret, name, kind, version, dir, iniFiles, pid,
 * start(), stop(), kill(), restart(), close(), request(path, options)}.
 */
export async function startCouch(options = {}) {
  const shared = process.env.COUCHDB_URL;
  const given = process.env.CHANNELS_TEST_SERVER_KIND;
  const takeShared = shared && (!options.own || !given || given === 'external');
  const server = takeShared ? new SharedServer(shared, given || 'external') : await ownServer(options);
  try {
    if (!takeShared) await server.start();
    await server.describe();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

async function ownServer({ user = 'admin', password = randomBytes(12).toString('hex'), port, dir, pages, config, env = {}, own, persistent = Boolean(own || dir) }) {
  const form = existsSync(join(COUCHDB_HOME, 'bin/couchdb')) ? couchdbServer : embeddedServer;
  const server = new OwnServer(form, { user, password, port: port ?? await freePort(), dir });
  server.env = env;
  server.layOutPages(pages);
  await form.layOut(server, { config, persistent });
  return server;
}

/** The folder of the confirmation page, as {channels: folder}; {} while there is none. */
function confirmationPage() {
  const clients = join(ROOT, 'clients');
  if (!existsSync(clients)) return {};
  const folder = readdirSync(clients).map((name) => join(clients, name)).find((path) => existsSync(join(path, 'confirm.html')));
  return folder ? { channels: folder } : {};
}

function layOutPages(www, pages) {
  rmSync(www, { recursive: true, force: true });
  mkdirSync(www, { recursive: true });
  for (const [name, folder] of Object.entries(pages)) symlinkSync(folder, join(www, name));
}

class Server {
  async describe() {
    const { status, body } = await this.request('/');
    if (status !== 200) throw new Error(`${this.url} answers ${status}; are COUCHDB_USER and COUCHDB_PASSWORD right?`);
    this.embedded = body.features?.includes('embedded') ?? false;
    this.version = body.version;
    this.name = this.embedded
      ? `the embedded server of tests/server (stands in for CouchDB ${body.version})`
      : `CouchDB ${body.version}${this.kind === 'external' ? ` at ${this.url}` : ` from ${COUCHDB_HOME}`}`;
  }

  /** A request to this server, as its admin unless `auth` says otherwise (null: nobody). */
  request(path, options = {}) {
    return request(this.url + path, { auth: this, ...options });
  }
}

/** A server that somebody else started, and stops. */
class SharedServer extends Server {
  constructor(url, kind) {
    super();
    const parsed = new URL(url);
    this.kind = kind;
    this.user = process.env.COUCHDB_USER || decodeURIComponent(parsed.username) || 'admin';
    this.password = process.env.COUCHDB_PASSWORD || decodeURIComponent(parsed.password);
    this.secret = process.env.CHANNELS_TEST_SERVER_SECRET || null;
    this.iniFiles = process.env.CHANNELS_TEST_SERVER_INI?.split(' ') ?? [];
    parsed.username = '';
    parsed.password = '';
    this.url = parsed.href.replace(/\/$/, '');
    this.dir = null;
    this.pid = null;
  }

  async start() {}
  async stop() {}
  async close() {}

  async kill() {
    throw new Error('This server is shared with other tests; one that is to be killed comes from startCouch({own: true}).');
  }

  async restart() {
    await this.kill();
  }
}

/** One that its maker may stop, kill and configure; `form` is one of server_process.mjs. */
export class OwnServer extends Server {
  constructor(form, { user, password, port, dir }) {
    super();
    Object.assign(this, { form, kind: form.kind, user, password, port });
    this.temporary = !dir;
    this.dir = dir ?? mkdtempSync(join(tmpdir(), 'channels-couch-'));
    this.www = join(this.dir, 'www');
    this.url = `http://127.0.0.1:${port}`;
    this.admin = user;
    this.hashedAdmin = hashAdmin(password, 10);
    this.secret = randomBytes(16).toString('hex');
    this.child = null;
  }

  get pid() {
    return this.child?.pid ?? null;
  }

  layOutPages(pages = confirmationPage()) {
    layOutPages(this.www, pages);
  }

  async start() {
    if (!this.child) this.child = await this.form.launch(this);
  }

  /** Ends it as its service manager would; what it doesn't do in time is done by force. */
  async stop() {
    await this.#end('SIGTERM');
  }

  /** kill -9: nothing is tidied up, what was acknowledged must still be there after start(). */
  async kill() {
    await this.#end('SIGKILL');
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  async #end(signal) {
    const { child } = this;
    if (!child) return;
    this.child = null;
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await child.ended;
    clearTimeout(timer);
  }

  outputText() {
    return this.child?.outputText() ?? '';
  }

  async close() {
    await this.stop();
    if (this.temporary) rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Waits until the server answers again, e.g. after restart() was left running. */
export function waitUntilUp(server) {
  return waitFor(async () => (await server.request('/_up', { timeout: 2000 })).status === 200, { timeout: STOP_MS, what: `${server.url} coming up` });
}

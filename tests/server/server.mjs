// The embedded server itself: every request is authenticated, routed, answered; every error becomes
// CouchDB's JSON. startServer() is what main.mjs and tests call.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Authenticator } from './auth.mjs';
import { bulkDocs, bulkGet, revsDiff } from './bulk.mjs';
import { changesRoute } from './changes.mjs';
import { Config } from './config.mjs';
import { answerCors } from './cors.mjs';
import { DbUpdates } from './db_updates.mjs';
import { allDbs, dbsInfo } from './dbs_info.mjs';
import { attachmentRoute, documentRoute, postDocument } from './documents.mjs';
import { CouchError, asCouchError, methodNotAllowed, noDatabase, notFound } from './errors.mjs';
import { Exchange } from './http.mjs';
import { checkDatabaseName } from './names.mjs';
import { purgeRoute } from './purge.mjs';
import { requireDatabaseAdmin, requireMember, requireServerAdmin, securityRoute } from './security.mjs';
import { Store } from './store.mjs';
import { checkUserRoute } from './users.mjs';
import { utilsFile } from './utils_files.mjs';
import { allDocs, view } from './views.mjs';
import { newId } from './writes.mjs';

const VERSION = '3.5.0';
const KEEP_ALIVE_MS = 65000;
const UNSUPPORTED = ['_find', '_index', '_explain', '_missing_revs', '_design_docs', '_local_docs', '_partition', '_purged_infos', '_purged_infos_limit', '_shards'];
const SYSTEM_DATABASES = ['_users', '_replicator', '_global_changes'];

class EmbeddedServer {
  constructor({ admin, secret, dir, www }) {
    const [name, password] = admin.split(/:(.*)/s);
    const defaults = {
      admins: { [name]: password },
      chttpd_auth: { secret: secret ?? randomBytes(16).toString('hex'), timeout: 600, iterations: 10 },
      couchdb: { uuid: randomBytes(16).toString('hex'), single_node: 'true', max_document_size: 8000000 },
    };
    this.www = www;
    this.store = new Store(dir ?? null);
    this.config = new Config(defaults, dir ? join(dir, 'config.json') : null);
    if (dir) this.config.save();
    this.store.passwordIterations = () => this.config.iterations();
    this.auth = new Authenticator(this.config, this.store);
    this.updates = new DbUpdates(this.store);
  }

  async start(port) {
    await this.store.start();
    for (const name of SYSTEM_DATABASES) if (!this.store.has(name)) await this.store.create(name);
    this.http = createServer((req, res) => answerCors(this.config, req, res) || this.handle(new Exchange(req, res)));
    this.http.keepAliveTimeout = KEEP_ALIVE_MS;
    this.http.requestTimeout = 0;  // feeds and slow replicators are no attack here
    this.http.listen(port, '127.0.0.1');
    await once(this.http, 'listening');
    this.port = this.http.address().port;
    this.config.merge({ chttpd: { port: this.port, bind_address: '127.0.0.1' } });
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop() {
    this.http.close();
    this.http.closeAllConnections();
    await this.store.stop();
  }

  async handle(exchange) {
    try {
      await this.auth.authenticate(exchange);
      await this.route(exchange);
    } catch (thrown) {
      const error = asCouchError(thrown);
      if (error.status >= 500) process.stderr.write(`${exchange.method} ${exchange.path}: ${error.message}\n`);
      exchange.sendError(error);
    }
  }

  route(exchange) {
    const [first, ...rest] = exchange.parts;
    if (first === undefined) return this.welcome(exchange);
    if (first.startsWith('_') && !SYSTEM_DATABASES.includes(first)) return this.serverRoute(exchange, first, rest);
    return rest.length === 0 ? this.wholeDatabase(exchange, first) : this.insideDatabase(exchange, first, rest);
  }

  welcome(exchange) {
    exchange.send(200, {
      couchdb: 'Welcome', version: VERSION, git_sha: 'embedded', uuid: this.config.get('couchdb', 'uuid'),
      features: ['embedded'], vendor: { name: 'couchdb-channels tests: embedded server, not CouchDB' },
    });
  }

  serverRoute(exchange, first, rest) {
    switch (first) {
      case '_up': return exchange.send(200, { status: 'ok', seeds: {} });
      case '_session': return this.auth.session(exchange);
      case '_utils': return utilsFile(exchange, this.www);
      case '_uuids':
        return exchange.send(200, { uuids: Array.from({ length: exchange.json('count') ?? 1 }, newId) });
      default:
    }
    requireServerAdmin(exchange.userCtx);
    switch (first) {
      case '_all_dbs': return allDbs(exchange, this.store);
      case '_dbs_info': return dbsInfo(exchange, this.store);
      case '_db_updates': return this.updates.route(exchange);
      case '_active_tasks': return exchange.send(200, []);
      case '_membership':
        return exchange.send(200, { all_nodes: ['embedded@127.0.0.1'], cluster_nodes: ['embedded@127.0.0.1'] });
      case '_node': return this.nodeRoute(exchange, rest);
      default: throw notFound();
    }
  }

  nodeRoute(exchange, [, what, ...rest]) {
    if (what === undefined) return exchange.send(200, { name: 'embedded@127.0.0.1' });
    if (what === '_config') return this.config.route(exchange, rest);
    throw notFound();
  }

  async wholeDatabase(exchange, name) {
    if (exchange.method === 'PUT') {
      requireServerAdmin(exchange.userCtx);
      await this.store.create(name);
      return exchange.send(201, { ok: true }, { Location: `/${encodeURIComponent(name)}` });
    }
    if (exchange.method === 'DELETE') {
      requireServerAdmin(exchange.userCtx);
      await this.store.remove(name);
      return exchange.send(200, { ok: true });
    }
    const database = await this.enter(exchange, name);
    if (exchange.method === 'GET') return exchange.send(200, database.info());
    if (exchange.method === 'POST') return postDocument(exchange, database);
    throw methodNotAllowed('DELETE,GET,HEAD,POST');
  }

  /** Opens a database for this user, or refuses. */
  async enter(exchange, name) {
    if (!this.store.has(name)) {
      checkDatabaseName(name);
      throw noDatabase();
    }
    const database = await this.store.database(name);
    requireMember(exchange.userCtx, database.security);
    return database;
  }

  async insideDatabase(exchange, name, rest) {
    const database = await this.enter(exchange, name);
    if (name === '_users') checkUserRoute(exchange, database, rest);
    const [first, ...more] = rest;
    if (first === '_design') return this.designRoute(exchange, database, more);
    if (first === '_local') {
      if (more.length === 0) throw notFound();
      return documentRoute(exchange, database, `_local/${more.join('/')}`);
    }
    if (first.startsWith('_') && !/^_(design|local)\//.test(first)) return this.databaseRoute(exchange, database, first);
    if (more.length > 0) return attachmentRoute(exchange, database, first, more.join('/'));
    return documentRoute(exchange, database, first);
  }

  designRoute(exchange, database, [name, ...more]) {
    if (name === undefined) throw notFound();
    if (more.length === 0) return documentRoute(exchange, database, `_design/${name}`);
    if (more[0] === '_view' && more.length === 2) return view(exchange, database, name, more[1]);
    if (more[0].startsWith('_')) {
      throw new CouchError(501, 'not_implemented', `The embedded server has no ${more[0]}.`);
    }
    return attachmentRoute(exchange, database, `_design/${name}`, more.join('/'));
  }

  databaseRoute(exchange, database, first) {
    const { userCtx } = exchange;
    const post = (work) => {
      if (exchange.method !== 'POST') throw methodNotAllowed('POST');
      return work();
    };
    switch (first) {
      case '_all_docs': return allDocs(exchange, database);
      case '_bulk_docs': return post(() => bulkDocs(exchange, database));
      case '_bulk_get': return post(() => bulkGet(exchange, database));
      case '_changes': return changesRoute(exchange, database, this.config);
      case '_compact': return post(() => this.compact(exchange, database));
      case '_ensure_full_commit':
        return post(() => exchange.send(201, { ok: true, instance_start_time: database.info().instance_start_time }));
      case '_purge': return post(() => {
        requireServerAdmin(userCtx);
        return purgeRoute(exchange, database);
      });
      case '_revs_diff': return post(() => revsDiff(exchange, database));
      case '_revs_limit': return exchange.send(200, 1000);
      case '_security': return securityRoute(exchange, database);
      case '_view_cleanup': return post(async () => {
        requireDatabaseAdmin(userCtx, database.security);
        database.views.clear();
        exchange.send(202, { ok: true });
      });
      default:
        if (UNSUPPORTED.includes(first)) throw new CouchError(501, 'not_implemented', `The embedded server has no ${first}.`);
        return documentRoute(exchange, database, first);  // answers that no document may be called so
    }
  }

  async compact(exchange, database) {
    requireDatabaseAdmin(exchange.userCtx, database.security);
    exchange.requireJsonType();
    await database.exclusively(() => database.pouch.compact());
    exchange.send(202, { ok: true });
  }
}

/** Starts a server: {url, port, stop()}. Options: port (0: any), admin "name:password", secret, dir, www. */
export async function startServer({ port = 0, ...options }) {
  return new EmbeddedServer(options).start(port);
}

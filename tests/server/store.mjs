// The databases of one embedded server: a PouchDB for each (in memory, or LevelDB folders under `dir`),
// and one of the server's own, ".server", that holds what CouchDB keeps beside the documents of a
// database (its security object, its uuid). It alone creates, opens and deletes databases.

import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import PouchDB from 'pouchdb';
import memoryAdapter from 'pouchdb-adapter-memory';
import { Database } from './database.mjs';
import { fileExists, noDatabase } from './errors.mjs';
import { checkDatabaseName, folderOf } from './names.mjs';

PouchDB.plugin(memoryAdapter);
// LevelDB and its stand-in in memory come with PouchDB's own packages; they are resolved from there.
const fromPouch = createRequire(createRequire(import.meta.url).resolve('pouchdb'));
const fromMemory = createRequire(createRequire(import.meta.url).resolve('pouchdb-adapter-memory'));

const ADMINS_ONLY = { members: { roles: ['_admin'] }, admins: { roles: ['_admin'] } };

let storesMade = 0;

export class Store {
  /** `dir`: folder of a server that outlives its process; null keeps all in memory. */
  constructor(dir) {
    this.dir = dir;
    this.events = new EventEmitter().setMaxListeners(0);  // 'db' ({db_name, type})
    this.infos = new Map();   // name -> what ".server" holds about it
    this.open = new Map();    // name -> Promise<Database>
    this.creating = new Set();
    // Two servers in one process must not share databases in memory: PouchDB knows them by name only.
    this.space = `server${++storesMade}-`;
    if (dir) mkdirSync(dir, { recursive: true });
  }

  async start() {
    this.server = this.makePouch('.server').pouch;
    const { rows } = await this.server.allDocs({ include_docs: true });
    for (const { doc } of rows) this.infos.set(doc._id.slice('db:'.length), doc);
  }

  makePouch(folder) {
    const down = this.dir ? fromPouch('leveldown') : fromMemory('memdown');
    const handle = { level: null };
    // PouchDB keeps its LevelDB to itself; purging (which it lacks) needs a hand on it.
    const factory = Object.assign((location) => (handle.level = down(location)), down.destroy && { destroy: down.destroy });
    Object.defineProperty(factory, 'name', { value: this.dir ? 'leveldown' : 'memdown' });
    const name = this.dir ? join(this.dir, folder) : this.space + folder;
    handle.pouch = new PouchDB(name, { adapter: this.dir ? 'leveldb' : 'memory', db: factory, auto_compaction: false });
    handle.pouch.setMaxListeners(0);
    return handle;
  }

  names() {
    return [...this.infos.keys()].sort();
  }

  has(name) {
    return this.infos.has(name);
  }

  info(name) {
    return this.infos.get(name);
  }

  async create(name) {
    checkDatabaseName(name);
    if (this.has(name) || this.creating.has(name)) throw fileExists();
    this.creating.add(name);
    try {
      await this.saveInfo(name, {
        _id: `db:${name}`, uuid: randomBytes(16).toString('hex'), security: ADMINS_ONLY,
        created: Math.floor(Date.now() / 1000), purge_seq: 0,
      });
    } finally {
      this.creating.delete(name);
    }
    this.events.emit('db', { db_name: name, type: 'created' });
  }

  async saveInfo(name, info) {
    const { rev } = await this.server.put(info);
    this.infos.set(name, { ...info, _rev: rev });
  }

  /** Opens a database; 404 if there is none of that name. */
  database(name) {
    if (!this.has(name)) throw noDatabase();
    if (!this.open.has(name)) {
      const database = new Database(this, name, this.makePouch(folderOf(name)));
      this.open.set(name, database.start().then(() => database));
    }
    return this.open.get(name);
  }

  async remove(name) {
    const database = await this.database(name);
    const info = this.infos.get(name);
    if (!info) throw noDatabase();
    this.infos.delete(name);
    this.open.delete(name);
    await this.server.remove(info);
    await database.remove();
    this.events.emit('db', { db_name: name, type: 'deleted' });
  }

  async stop() {
    const databases = await Promise.all(this.open.values());
    await Promise.all(databases.map((database) => database.pouch.close()));
    await this.server.close();
  }
}

// What a device keeps at home: its record (the secret among it) and the names of its databases, as _local documents of a
// database of its own, which no replication ever sends; and the databases themselves, each opened once.
//   <store>-device · <store>-control · <store>-channel-<id>

const RECORD = '_local/device';
const DATABASES = '_local/databases';

export class Store {
  #PouchDB;
  #name;
  #options;
  #home;
  #open = new Map();     // database name -> PouchDB
  #writing = Promise.resolve();

  record = {};           // what a restart needs; changed by update() only
  channels = new Set();  // ids of channels that have a database here

  constructor(PouchDB, name, options) {
    this.#PouchDB = PouchDB;
    this.#name = name;
    this.#options = options;
  }

  async load() {
    this.#home = this.#database('device');
    this.record = (await this.#read(RECORD)).record ?? {};
    this.channels = new Set((await this.#read(DATABASES)).channels ?? []);
  }

  /** Changes the record; resolves once it is on disk. */
  update(changes) {
    const next = { ...this.record, ...changes };
    for (const key of Object.keys(next)) if (next[key] === undefined) delete next[key];
    this.record = next;
    return this.#write(RECORD, () => ({ record: this.record }));
  }

  get control() {
    return this.#database('control', { auto_compaction: true });
  }

  /** The channel's database here, made if there is none. */
  channel(id) {
    if (!this.channels.has(id)) {
      this.channels.add(id);
      this.#noteChannels().catch(() => {});  // the next one tries again
    }
    return this.#database(`channel-${id}`);
  }

  isOpen(id) {
    return this.#open.has(`channel-${id}`);
  }

  async dropChannel(id) {
    await this.#destroy(`channel-${id}`);
    this.channels.delete(id);
    await this.#noteChannels();
  }

  /** Everything of the user's, and nothing of the device's record. */
  async wipe() {
    for (const id of [...this.channels]) await this.dropChannel(id);
    await this.#destroy('control');
  }

  async close() {
    await this.#writing.catch(() => {});
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const database of all) await database.close();
  }

  #database(part, more = {}) {
    const known = this.#open.get(part);
    if (known) return known;
    const database = new this.#PouchDB(`${this.#name}-${part}`, { ...this.#options, ...more });
    database.setMaxListeners(100);  // each feed and replication listens to the database's end
    this.#open.set(part, database);
    return database;
  }

  async #destroy(part) {
    const database = this.#database(part);
    this.#open.delete(part);
    await database.destroy();
  }

  #noteChannels() {
    return this.#write(DATABASES, () => ({ channels: [...this.channels] }));
  }

  async #read(id) {
    try {
      return await this.#home.get(id);
    } catch (error) {
      if (error.status === 404) return {};
      throw error;
    }
  }

  /** One after the other, so that each write knows the revision before it. */
  #write(id, content) {
    const write = async () => {
      const { _rev } = await this.#read(id);
      await this.#home.put({ ...content(), _id: id, ...(_rev ? { _rev } : {}) });
    };
    const done = this.#writing.catch(() => {}).then(write);
    this.#writing = done;
    return done;
  }
}

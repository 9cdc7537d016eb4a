// A laptop for end to end tests: a CouchDB of its own with the program in role = device, beside a world (world.mjs) that
// is its cloud. Needs a real CouchDB on both sides: the embedded server has no replicator.

import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { startCouch } from './couch_server.mjs';
import { PROGRAM, startDaemon } from './daemon.mjs';
import { LINK, linkIn } from './mail_sink.mjs';
import { confirmDocument } from './device.mjs';
import { waitFor } from './net.mjs';

const LONG = 120000;

export async function startLaptop(world) {
  const server = await startCouch({ own: true });
  try {
    return new Laptop(world, server, await startDaemon({ server, names: world.daemon.names, channels: { role: 'device' } }));
  } catch (error) {
    await server.close();
    throw error;
  }
}

class Laptop {
  constructor(world, server, daemon) {
    Object.assign(this, { world, server, daemon, names: daemon.names, handshake: daemon.handshake });
  }

  #ini() {
    return this.daemon.iniFiles().flatMap((file) => ['--ini', file]);
  }

  /** {code, stdout, stderr} of an operator's call. */
  async call(...args) {
    try {
      return { code: 0, ...await promisify(execFile)(PROGRAM, [...args, ...this.#ini()]) };
    } catch ({ code, stdout, stderr }) {
      return { code, stdout, stderr };
    }
  }

  pairArguments(owner, ...more) {
    return ['pair', '--cloud', this.world.server.url, '--owner', owner, '--name', 'a laptop', ...more];
  }

  pair(owner, ...more) {
    return this.call(...this.pairArguments(owner, ...more));
  }

  /** The call while it waits: `output()`, `ended` ({code, signal}), `child`. */
  startPairing(owner, ...more) {
    const child = spawn(PROGRAM, [...this.pairArguments(owner, ...more), ...this.#ini()], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { text += chunk; });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    return { child, ended, output: () => text };
  }

  async status() {
    const { stdout, stderr } = await this.call('status', '--json');
    try {
      return JSON.parse(stdout).device;
    } catch {
      throw new Error(`status: ${stdout}${stderr}`);
    }
  }

  pairing() {
    return this.get(this.names.registry_db, 'pairing');
  }

  /** Waits until the pairing is in that state; gives it. */
  waitFor(state) {
    return waitFor(async () => {
      const pairing = await this.pairing();
      return pairing?.state === state && pairing;
    }, { timeout: LONG, what: `the pairing "${state}"` })
      .catch((error) => { throw new Error(`${error.message}\n${this.daemon.output}`); });
  }

  /** What its person does with the mail and the code on the laptop's screen. */
  async confirm(owner) {
    const { device_code: deviceCode } = await this.waitFor('confirming');
    const mail = await this.world.mail.next({ to: owner, text: LINK });
    const answered = await this.world.confirm(confirmDocument({ ...linkIn(mail), deviceCode }));
    if (answered.state !== 'used') throw new Error(`confirm: ${JSON.stringify(answered)}`);
    return this.waitFor('active');
  }

  async get(database, id) {
    const { status, body } = await this.server.request(`/${database}/${encodeURIComponent(id)}`);
    return status === 200 ? body : null;
  }

  put(database, doc) {
    return this.server.request(`/${database}/${encodeURIComponent(doc._id)}`, { method: 'PUT', body: doc });
  }

  async exists(database) {
    return (await this.server.request(`/${database}`)).status === 200;
  }

  /** Waits until `when(document)` holds on the laptop. */
  seen(database, id, when = () => true) {
    return waitFor(async () => {
      const doc = await this.get(database, id);
      return doc && when(doc) && doc;
    }, { timeout: LONG, what: `${id} in the laptop's ${database}` })
      .catch((error) => { throw new Error(`${error.message}\n${this.daemon.output}`); });
  }

  /** The daemon's own documents in the laptop's _replicator. */
  async replications() {
    const { body } = await this.server.request('/_replicator/_all_docs?include_docs=true');
    return body.rows.map(({ doc }) => doc).filter(({ _id }) => /^channels-[0-9a-f]{32}-(push|pull)$/.test(_id));
  }

  /** As the daemon leaves them once its wish for another secret is out: with the old one they would log in until CouchDB locks the name. */
  async endReplications() {
    for (const { _id, _rev } of await this.replications()) await this.server.request(`/_replicator/${_id}?rev=${_rev}`, { method: 'DELETE' });
    await waitFor(async () => {
      const { body } = await this.server.request('/_scheduler/jobs');
      return !body.jobs.some(({ doc_id: id }) => id.startsWith('channels-'));
    }, { timeout: LONG, what: 'the end of all replications' });
  }

  /** Waits until exactly these local databases are replicated, both ways. */
  replicates(databases) {
    const wanted = databases.flatMap((name) => [`${name} pull`, `${name} push`]).sort();
    return waitFor(async () => {
      const found = (await this.replications()).map(({ channels }) => `${channels.database} ${channels.direction}`).sort();
      return JSON.stringify(found) === JSON.stringify(wanted);
    }, { timeout: LONG, what: `replications of ${databases}` })
      .catch((error) => { throw new Error(`${error.message}\n${this.daemon.output}`); });
  }

  async close() {
    await this.daemon.close();
    await this.server.close();
  }
}

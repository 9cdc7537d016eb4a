// The program under test, started with --ini on a server that tests share: each start() has databases of
// its own names, which close() deletes.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request, waitFor } from './net.mjs';
import { iniText } from './server_process.mjs';

export const PROGRAM = process.env.CHANNELS_PROGRAM ||
  fileURLToPath(new URL('../../build/couchdb-channels', import.meta.url));

/**
 * `server` from startCouch(), `mail` from startMailSink(); `channels` and `channels_mail` are further keys of
 * those sections, `sections` further ones. Waits until the daemon says that it is ready, unless `ready` is false. `debug`: it logs all that it can.
 * `byPassword`: it logs in by the admin's name and password, also where it could make a cookie.
 */
export async function startDaemon({ server, mail, channels = {}, channels_mail = {}, sections = {}, ready = true, byPassword = false, debug = Boolean(process.env.CHANNELS_DEBUG), names = newNames() }) {
  const daemon = new Daemon(server, names);
  daemon.debug = debug;
  daemon.writeIni({
    channels: { url: server.url, ...names, ...daemon.credentials({ byPassword }), ...channels },
    channels_mail: { server: mail?.url ?? 'smtp://127.0.0.1:1', from: 'Channels <no-reply@channels.example>', ...channels_mail },
    ...sections,
  });
  daemon.start();
  if (ready) await daemon.waitUntilReady();
  return daemon;
}

/** Database names that no other test has. */
export function newNames() {
  const tag = `t${randomBytes(4).toString('hex')}`;
  return {
    handshake_db: `${tag}-handshake`, registry_db: `${tag}-registry`,
    control_prefix: `${tag}-control-`, channel_prefix: `${tag}-channel-`,
  };
}

class Daemon {
  constructor(server, names) {
    Object.assign(this, { server, names });
    this.folder = mkdtempSync(join(tmpdir(), 'channels-daemon-'));
    this.handshake = `${server.url}/${names.handshake_db}`;
    this.registry = `${server.url}/${names.registry_db}`;
    this.output = '';
    this.child = null;
  }

  /** A server that somebody else configured hides its secret; then by name and password. */
  credentials({ byPassword = false } = {}) {
    return !byPassword && this.server.iniFiles.length > 0 && this.server.secret ? {} : { username: this.server.user, password: this.server.password };
  }

  writeIni(sections) {
    this.iniFile = join(this.folder, 'channels.ini');
    writeFileSync(this.iniFile, iniText(sections), { mode: 0o600 });
  }

  iniFiles() {
    return [...this.server.iniFiles, this.iniFile];
  }

  start() {
    const args = [...(this.debug ? ['--debug'] : []), ...this.iniFiles().flatMap((file) => ['--ini', file])];
    this.child = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.startOfOutput = this.output.length;
    this.child.stderr.on('data', (chunk) => { this.output += chunk; });
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve({ code, signal })));
    this.over = false;
    this.exited.then(() => { this.over = true; });
    const { child } = this;
    const killOnExit = () => child.kill('SIGKILL');
    process.once('exit', killOnExit);
    this.exited.then(() => process.off('exit', killOnExit));
  }

  async waitUntilReady() {
    await waitFor(() => this.over || this.output.includes(' ready: ', this.startOfOutput), { what: 'the daemon being ready' })
      .catch((error) => { throw new Error(`${error.message}\n${this.output}`); });
    if (this.over) throw new Error(`the daemon ended:\n${this.output}`);
  }

  async end(signal) {
    this.child.kill(signal);
    return this.exited;
  }

  async stop() {
    return this.end('SIGTERM');
  }

  async kill() {
    return this.end('SIGKILL');
  }

  async restart() {
    if (!this.over) await this.stop();
    this.start();
    await this.waitUntilReady();
  }

  /** A request to the server as its admin; `path` follows its URL. */
  request(path, options) {
    return request(`${this.server.url}${path}`, { auth: this.server, ...options });
  }

  async databases() {
    const { body } = await this.request('/_all_dbs');
    const tag = this.names.handshake_db.split('-')[0];
    return body.filter((name) => name.startsWith(`${tag}-`));
  }

  async close() {
    if (!this.over) await this.stop();
    for (const name of await this.databases()) await this.request(`/${encodeURIComponent(name)}`, { method: 'DELETE' });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

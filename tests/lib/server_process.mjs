// The two servers that tests start themselves, as processes: how each is laid out in a folder, launched,
// and known to be ready. couch_server.mjs chooses between them.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, request, waitFor } from './net.mjs';

export const COUCHDB_HOME = process.env.COUCHDB_HOME || '/opt/couchdb';
const EMBEDDED = fileURLToPath(new URL('../server/main.mjs', import.meta.url));
const SYSTEM_DATABASES = ['_users', '_replicator', '_global_changes'];
const START_MS = 120000;

export function iniText(sections) {
  return Object.entries(sections).map(([name, pairs]) =>
    `[${name}]\n${Object.entries(pairs).filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${value}\n`).join('')}`).join('\n');
}

/** What a daemon needs to know of either server, in the form that CouchDB keeps it. */
function commonSections({ port, admin, hashedAdmin, secret }) {
  return {
    chttpd: { bind_address: '127.0.0.1', port },
    admins: { [admin]: hashedAdmin },
    chttpd_auth: { secret, iterations: 10 },
  };
}

/** Starts a process, keeps its output, and fails at once if it ends before `ready` says so. */
async function launch(command, args, { env = {}, stdin = 'ignore', ready }) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: [stdin, 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => output.push(chunk) > 20000 && output.shift());
  }
  child.outputText = () => Buffer.concat(output).toString('utf8');
  child.ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  let over = false;
  child.ended.then(() => { over = true; });
  // A test that is interrupted leaves no server behind.
  const killOnExit = () => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  child.ended.then(() => process.off('exit', killOnExit));
  try {
    await waitFor(() => over || ready(child), { timeout: START_MS, what: `the start of ${command}` });
  } finally {
    if (over) throw new Error(`${command} ended at its start:\n${child.outputText()}`);
  }
  return child;
}

/** A node from /opt/couchdb, with a configuration of its own in `dir`. */
export const couchdbServer = {
  kind: 'couchdb',

  async layOut(server, { config }) {
    const ports = [await freePort(), await freePort(), await freePort()];
    const etc = join(server.dir, 'etc');
    const data = join(server.dir, 'data');
    mkdirSync(etc, { recursive: true });
    mkdirSync(data, { recursive: true });
    const sections = {
      couchdb: { single_node: 'true', js_engine: 'quickjs', database_dir: data, view_index_dir: data, uri_file: join(server.dir, 'couch.uri') },
      ...commonSections(server),
      httpd: { bind_address: '127.0.0.1', port: ports[1] },
      prometheus: { port: ports[2] },
      cluster: { n: 1, q: 2 },
      // Without epmd every name @127.0.0.1 is this node itself, and looking for clouseau there hangs for
      // seconds; this address refuses at once.
      dreyfus: { name: 'clouseau@127.0.0.2' },
      log: { level: 'warning' },
    };
    writeFileSync(join(etc, 'vm.args'), vmArgs(server.port, ports[0]));
    // The node writes its changes into the last file; the admin is there so that it can be changed.
    const { admins, ...base } = merged(sections, config);
    writeFileSync(join(etc, 'base.ini'), iniText(base), { mode: 0o600 });
    writeFileSync(join(etc, 'local.ini'), iniText({ admins }), { mode: 0o600 });
    server.iniFiles = [join(COUCHDB_HOME, 'etc/default.ini'), join(etc, 'base.ini'), join(etc, 'local.ini')];
  },

  async launch(server) {
    const child = await launchNode(server);
    // A single node makes _users and _replicator by itself, and gives _users another security object than
    // a PUT would; _global_changes it does not make.
    await request(`${server.url}/_global_changes`, { method: 'PUT', auth: server });
    for (const name of SYSTEM_DATABASES) {
      await waitFor(async () => (await request(`${server.url}/${name}`, { auth: server })).status === 200,
        { timeout: START_MS, what: `database ${name}` });
    }
    // CouchDB listens to changes of users only from the moment that it makes this: before, a deleted user
    // may log in, and one may not read his own document.
    await waitFor(async () => (await request(`${server.url}/_users/_design/_auth`, { auth: server })).status === 200,
      { timeout: START_MS, what: 'the users\' design document' });
    return child;
  },
};

/** The process alone, as soon as it answers. */
export function launchNode(server) {
  const env = {
    COUCHDB_ARGS_FILE: join(server.dir, 'etc/vm.args'),
    COUCHDB_INI_FILES: server.iniFiles.join(' '),
    COUCHDB_FAUXTON_DOCROOT: server.www,
    ...server.env,
  };
  const ready = async () => (await request(`${server.url}/_up`, { timeout: 2000 })).status === 200;
  return launch(join(COUCHDB_HOME, 'bin/couchdb'), [], { env, ready });
}

function vmArgs(port, distributionPort) {
  return `-name couchdb${port}@127.0.0.1
-setcookie channels${port}
-start_epmd false
-erl_epmd_port ${distributionPort}
-kernel inet_dist_use_interface {127,0,0,1}
-kernel error_logger silent
-kernel prevent_overlapping_partitions false
-sasl sasl_error_logger false
+SDio 16
+S 2:2
+Bd -noinput
-ssl session_lifetime 300
-os_mon start_cpu_sup false
-os_mon start_memsup false
-os_mon disk_almost_full_threshold 1.0
`;
}

function merged(sections, more = {}) {
  const all = { ...sections };
  for (const [name, pairs] of Object.entries(more)) all[name] = { ...all[name], ...pairs };
  return all;
}

/** The embedded server of tests/server; in memory unless it has to outlive a kill. */
export const embeddedServer = {
  kind: 'embedded',

  async layOut(server, { config, persistent }) {
    server.config = config;
    if (persistent) server.dataDir = join(server.dir, 'data');
    mkdirSync(server.dir, { recursive: true });
    const ini = join(server.dir, 'server.ini');
    writeFileSync(ini, iniText(merged(commonSections(server), config)), { mode: 0o600 });
    server.iniFiles = [ini];
  },

  async launch(server) {
    const args = [EMBEDDED, '--port', String(server.port), '--admin', `${server.user}:${server.hashedAdmin}`,
      '--secret', server.secret, '--www', server.www, '--with-stdin'];
    if (server.dataDir) args.push('--dir', server.dataDir);
    const child = await launch(process.execPath, args, {
      stdin: 'pipe', ready: (started) => started.outputText().includes('listening on '),
    });
    for (const [section, pairs] of Object.entries(server.config ?? {})) {
      for (const [key, value] of Object.entries(pairs)) {
        await request(`${server.url}/_node/_local/_config/${section}/${key}`, { method: 'PUT', body: JSON.stringify(String(value)), auth: server });
      }
    }
    return child;
  },
};

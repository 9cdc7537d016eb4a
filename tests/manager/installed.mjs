// A CouchDB that starts the manager of os_daemons as the package's drop-in makes it, and what a test wants to know of
// its daemons. They are told from all other processes by the server's folder in their command lines.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { PROGRAM } from '../lib/daemon.mjs';
import { iniText } from '../lib/server_process.mjs';
import { waitFor } from '../lib/net.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD = resolve(process.env.CHANNELS_BUILD ?? join(ROOT, 'build'));

/** The manager as it is installed, made up to date. */
export function managerFolder(folder = join(BUILD, 'os_daemons')) {
  execFileSync('make', ['-s', '-C', join(ROOT, 'packaging/os_daemons'), `OUT=${folder}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  return folder;
}

/** What packaging/os_daemons/README.md tells to set. */
export const erlFlags = (folder) => `-pa ${folder}/ebin -run file eval ${folder}/start.eval`;

/**
 * `daemons`: {name: (dir) => command line} under [os_daemons]; `config` as for startCouch(). There is no cookie
 * secret unless `config` has one: that is how a fresh node is.
 */
export async function startInstalled({ daemons = {}, config = {}, flags = erlFlags(managerFolder()) } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'channels-manager-'));
  const commands = Object.fromEntries(Object.entries(daemons).map(([name, command]) => [name, command(dir)]));
  const server = await startCouch({
    own: true, dir, env: { ERL_FLAGS: flags },
    config: { log: { level: 'info' }, os_daemons: commands, ...config, chttpd_auth: { secret: undefined, ...config.chttpd_auth } },
  });
  return Object.assign(server, { temporary: true });
}

/** couchdb-channels under a path of this server's own. */
export function channelsIn(dir) {
  symlinkSync(PROGRAM, join(dir, 'couchdb-channels'));
  return join(dir, 'couchdb-channels');
}

/** A shell script as a program of this server's own. */
export function scriptIn(dir, name, text) {
  const file = join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];  // It ended just now.
  }
}

/** The ids of processes that run this program (as their first or, for a script, second word). */
export function processesOf(program) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => commandLine(pid).slice(0, 2).includes(program)).map(Number);
}

/** Everything that has to do with a folder, but for the node itself. */
export function processesIn(dir) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => [Number(pid), commandLine(pid)])
    .filter(([pid, words]) => pid !== process.pid && words.some((word) => word.startsWith(`${dir}/`)) && !words.includes('-couch_ini'));
}

export async function oneProcessOf(program, { not } = {}) {
  return waitFor(() => {
    const [pid, ...others] = processesOf(program);
    return pid && others.length === 0 && pid !== not && pid;
  }, { timeout: 60000, what: `one process of ${program}` });
}

export const setting = async (server, section, key) => (await server.request(`/_node/_local/_config/${section}/${key}`)).body;

export function setSetting(server, section, key, value, headers = {}) {
  return server.request(`/_node/_local/_config/${section}/${key}`, { method: 'PUT', body: JSON.stringify(value), headers });
}

/** What an operator does with an editor: the line in local.ini, read anew. */
export async function writeOsDaemons(server, daemons) {
  const file = join(server.dir, 'etc/base.ini');
  const others = readFileSync(file, 'utf8').replace(/\[os_daemons\]\n(?:[^[\n].*\n)*\n?/, '');
  writeFileSync(file, `${others}\n${iniText({ os_daemons: daemons })}`);
  const { status } = await server.request('/_node/_local/_config/_reload', { method: 'POST', body: {} });
  if (status !== 200) throw new Error(`_reload: ${status}`);
}

// A release with the layout of CouchDB's under /opt/couchdb, where no CouchDB is at hand (and so that it does not rot, also where
// one is): a real Erlang node of Debian's, in which stand_in/ has what the manager needs.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { iniText } from '../lib/server_process.mjs';

const HERE = fileURLToPath(new URL('stand_in/', import.meta.url));
const EUNIT = fileURLToPath(new URL('../manager/eunit/', import.meta.url));
const ERLANG = '/usr/lib/erlang';
const HOME = '/opt/couchdb';
const APPLICATIONS = /^(kernel|stdlib|compiler|crypto|jiffy)-/;
const PARTS = ['bin', 'lib', 'releases'];

/** Lays it out in a tree of debian.mjs; `sections` is its local.ini. */
export function putStandIn(debian, sections) {
  const home = debian.path(HOME);
  for (const part of PARTS) mkdirSync(join(home, part), { recursive: true });
  const [erts, release] = readFileSync(join(ERLANG, 'releases/start_erl.data'), 'utf8').trim().split(' ');
  cpSync(join(ERLANG, `erts-${erts}`), join(home, `erts-${erts}`), { recursive: true });
  cpSync(join(ERLANG, 'releases', release), join(home, 'releases', release), { recursive: true });
  writeFileSync(join(home, 'releases/start_erl.data'), `${erts} ${release}\n`);
  for (const name of readdirSync(join(ERLANG, 'lib')).filter((folder) => APPLICATIONS.test(folder))) {
    cpSync(join(ERLANG, 'lib', name), join(home, 'lib', name), { recursive: true, dereference: true });
  }
  const ebin = join(home, 'lib/stand_in/ebin');
  mkdirSync(ebin, { recursive: true });
  const sources = [join(HERE, 'stand_in.erl'), ...['config', 'couch_log', 'mem3'].map((name) => join(EUNIT, `${name}.erl`))];
  execFileSync('erlc', ['-Werror', '-o', ebin, ...sources], { stdio: ['ignore', 'inherit', 'inherit'] });
  cpSync(join(HERE, 'stand_in.app'), join(ebin, 'stand_in.app'));
  cpSync(join(HERE, 'couchdb'), join(home, 'bin/couchdb'));
  debian.do('useradd', '--system', '--home-dir', HOME, '--no-create-home', 'couchdb');
  writeFileSync(debian.path(`${HOME}/etc/default.ini`), '; nothing\n');
  mkdirSync(debian.path(`${HOME}/etc/local.d`));
  writeStandInSettings(debian, sections);
}

/** As an operator edits local.ini; the running node takes it up. */
export function writeStandInSettings(debian, sections) {
  writeFileSync(debian.path(`${HOME}/etc/local.ini`), iniText(sections));
  debian.do('sh', '-c', `chown -R couchdb:couchdb ${HOME}/etc`);
}

export function removeStandIn(debian) {
  for (const name of readdirSync(debian.path(HOME)).filter((part) => PARTS.includes(part) || part.startsWith('erts-'))) {
    rmSync(debian.path(`${HOME}/${name}`), { recursive: true });
  }
  for (const name of ['default.ini', 'local.ini', 'local.d']) rmSync(debian.path(`${HOME}/etc/${name}`), { recursive: true });
  debian.do('sh', '-c', `userdel couchdb; chown -R root:root ${HOME}`);
}

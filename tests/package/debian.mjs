// A clean Debian in a folder, in which the package is installed, upgraded and removed, and CouchDB run as its service
// would. All of it by chroot, as root; a copy of the tree that scripts/debian_tree.sh makes once.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COUCHDB_HOME } from '../lib/server_process.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD = resolve(process.env.CHANNELS_BUILD ?? join(ROOT, 'build'));

/** Why there is no such Debian here; false if there is. */
export function noDebian() {
  if (process.getuid() !== 0) return 'needs root, for chroot';
  return spawnSync('debootstrap', ['--version']).status === 0 ? false : 'needs debootstrap';
}

/** The package with this build's program, or the one that CHANNELS_DEB in the environment names (with -dev beside it). Answers the file. */
export function buildPackage() {
  if (process.env.CHANNELS_DEB) return resolve(process.env.CHANNELS_DEB);
  const program = process.env.CHANNELS_PROGRAM ?? join(BUILD, 'couchdb-channels');
  const folder = join(BUILD, 'package-test');
  execFileSync(join(ROOT, 'scripts/build_deb.sh'), [folder], { env: { ...process.env, CHANNELS_PROGRAM: program }, stdio: ['ignore', 'ignore', 'pipe'] });
  return join(folder, readdirSync(folder).find((name) => name.startsWith('couchdb-channels_') && name.endsWith('.deb')));
}

/** The same package with another version. */
export function withVersion(deb, version) {
  const folder = mkdtempSync(join(BUILD, 'package-'));
  execFileSync('dpkg-deb', ['--raw-extract', deb, join(folder, 'tree')]);
  const control = join(folder, 'tree/DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
  const file = join(BUILD, `later_${version}.deb.tmp`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', join(folder, 'tree'), file], { stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true });
  return file;
}

export class Debian {
  constructor() {
    const clean = join(BUILD, 'debian-tree');
    execFileSync(join(ROOT, 'scripts/debian_tree.sh'), [clean], { stdio: ['ignore', 'ignore', 'inherit'] });
    this.folder = mkdtempSync(join(BUILD, 'debian-'));
    execFileSync('cp', ['-a', '--reflink=auto', `${clean}/.`, this.folder]);
    execFileSync('chmod', ['755', this.folder]);
    execFileSync('mount', ['-t', 'proc', 'proc', join(this.folder, 'proc')]);
    this.nodes = [];
  }

  path(path) {
    return join(this.folder, path);
  }

  has(path) {
    return existsSync(this.path(path));
  }

  read(path) {
    return readFileSync(this.path(path), 'utf8');
  }

  /** {code, output} of a command in there, as root. */
  run(command, ...args) {
    const result = spawnSync('chroot', [this.folder, command, ...args], {
      encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    });
    return { code: result.status, output: `${result.stdout}${result.stderr}` };
  }

  /** As run(), for what has to work; answers its output. */
  do(command, ...args) {
    const { code, output } = this.run(command, ...args);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${output}`);
    return output;
  }

  /** From now on a systemd seems to run here; answers a function that gives the calls of systemctl since its last call. */
  recordSystemctl() {
    mkdirSync(this.path('/run/systemd/system'), { recursive: true });
    writeFileSync(this.path('/usr/bin/systemctl'), '#!/bin/sh\necho "$*" >> /tmp/systemctl.calls\n', { mode: 0o755 });
    writeFileSync(this.path('/tmp/systemctl.calls'), '');
    return () => {
      const calls = this.read('/tmp/systemctl.calls').trim().split('\n');
      writeFileSync(this.path('/tmp/systemctl.calls'), '');
      return calls;
    };
  }

  forgetSystemctl() {
    rmSync(this.path('/run/systemd'), { recursive: true });
    rmSync(this.path('/usr/bin/systemctl'));
  }

  install(deb) {
    cpSync(deb, this.path(`/tmp/${basename(deb)}`));
    return this.do('dpkg', '--install', '--force-confold', `/tmp/${basename(deb)}`);
  }

  /** Every file and folder that is no part of the running system, to be compared. */
  files() {
    return this.do('find', '/', '-xdev', '-path', '/proc', '-prune', '-o', '-path', '/tmp/*', '-prune', '-o', '-path', '/var/log/*', '-prune', '-o',
      '-path', '/var/lib/dpkg/*', '-prune', '-o', '-path', '/var/cache/*', '-prune', '-o', '-path', '/var/lib/couchdb/*', '-prune', '-o',
      '-path', '/var/lib/systemd/*', '-prune', '-o', '-print').split('\n').sort();
  }

  /** What the official package leaves: the user, the release, and files that are the user's alone. */
  putCouchdb(ports) {
    this.do('useradd', '--system', '--home-dir', '/opt/couchdb', '--no-create-home', 'couchdb');
    mkdirSync(this.path('/opt/couchdb'), { recursive: true });
    execFileSync('cp', ['-a', `${COUCHDB_HOME}/.`, this.path('/opt/couchdb')]);
    for (const name of readdirSync(this.path('/opt/couchdb/etc/local.d'))) if (name.endsWith('.ini')) rmSync(this.path(`/opt/couchdb/etc/local.d/${name}`));
    const vm = this.read('/opt/couchdb/etc/vm.args').replace(/^-name .*$/m,
      `-name couchdb${ports.couch}@127.0.0.1\n-setcookie channels\n-start_epmd false\n-erl_epmd_port ${ports.erlang}`);
    writeFileSync(this.path('/opt/couchdb/etc/vm.args'), vm);
    writeFileSync(this.path('/opt/couchdb/etc/local.ini'), `[couchdb]\nsingle_node = true\ndatabase_dir = /var/lib/couchdb\nview_index_dir = /var/lib/couchdb
[chttpd]\nport = ${ports.couch}\n[httpd]\nport = ${ports.httpd}\n[prometheus]\nport = ${ports.prometheus}\n[dreyfus]\nname = clouseau@127.0.0.2\n[log]\nlevel = info\n[admins]\nadmin = secret\n`);
    this.do('sh', '-c', `mkdir -p /var/lib/couchdb && chown -R couchdb:couchdb /opt/couchdb/etc /var/lib/couchdb
      find /opt/couchdb/etc -name '*.ini' -exec chmod 0640 {} +`);
  }

  /** ExecStart of couchdb.service, as its user, with the variables that the drop-ins there are set. */
  startCouchdb() {
    const drops = '/usr/lib/systemd/system/couchdb.service.d';
    const lines = this.has(drops) ? readdirSync(this.path(drops)).flatMap((name) => this.read(`${drops}/${name}`).split('\n')) : [];
    const environment = lines.flatMap((line) => /^Environment="(.*)"$/.exec(line)?.[1] ?? []);
    const node = spawn('chroot', ['--userspec=couchdb:couchdb', this.folder, 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...environment, '/opt/couchdb/bin/couchdb'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    node.log = '';
    for (const stream of [node.stdout, node.stderr]) stream.on('data', (chunk) => { node.log += chunk; });
    node.ended = new Promise((done) => node.once('exit', done));
    this.nodes.push(node);
    return node;
  }

  /** Processes of a program of this tree, by its path in there. */
  processesOf(program) {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] === program && execFileSync('readlink', [`/proc/${pid}/root`], { encoding: 'utf8' }).trim() === this.folder;
      } catch {
        return false;
      }
    }).map(Number);
  }

  async close() {
    for (const node of this.nodes) {
      node.kill('SIGKILL');
      await node.ended;
    }
    spawnSync('umount', ['--lazy', join(this.folder, 'proc')]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// The package itself: what is in it, and what becomes of a clean Debian when it is installed, upgraded, removed and purged there. No CouchDB is
// needed: installed.test.mjs has what needs one.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Debian, buildPackage, noDebian, withVersion } from './debian.mjs';

const PROGRAM = '/usr/bin/couchdb-channels';
const skip = noDebian();

let debian;
let deb;
let empty;   // what there was before

before(() => {
  if (skip) return;
  deb = buildPackage();
  debian = new Debian();
  empty = debian.files();
});
after(() => debian?.close());

function differing(before, now) {
  return { gone: before.filter((file) => !now.includes(file)), left: now.filter((file) => !before.includes(file)) };
}

test('lintian finds nothing but what is overridden with a reason', { skip }, () => {
  const { status, stdout } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', '--no-tag-display-limit', deb], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  const overrides = readFileSync(new URL('../../packaging/debian/couchdb-channels.lintian-overrides', import.meta.url), 'utf8');
  const tags = overrides.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(' ')[0]);
  assert.deepEqual([...new Set(tags)], ['dir-or-file-in-opt']);
});

test('the -dev package holds what a handler in C++ needs, and depends on what that includes', { skip }, () => {
  const [dev] = readdirSync(dirname(deb)).filter((name) => name.startsWith('couchdb-channels-dev_') && name.endsWith('.deb'));
  const { status, stdout } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', '--no-tag-display-limit', join(dirname(deb), dev)], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  const contents = execFileSync('dpkg-deb', ['--contents', join(dirname(deb), dev)], { encoding: 'utf8' });
  for (const file of [/usr\/include\/couchdb-channels\/control\/control\.h/, /usr\/lib\/(.*\/)?libcouchdb-channels-handlers\.a/, /usr\/lib\/(.*\/)?cmake\/couchdb-channels\/couchdb-channels-config\.cmake/,
    /usr\/share\/doc\/couchdb-channels-dev\/examples\/handler_cpp\/CMakeLists\.txt$/m]) {
    assert.match(contents, file);
  }
  assert.match(execFileSync('dpkg-deb', ['--field', join(dirname(deb), dev), 'Depends'], { encoding: 'utf8' }), /libboost-json1\.81-dev/);
  // Its own example, built against what is in the package and nothing else of this project.
  const folder = mkdtempSync(join(tmpdir(), 'channels-dev-'));
  try {
    execFileSync('dpkg-deb', ['--extract', join(dirname(deb), dev), folder]);
    const example = join(folder, 'usr/share/doc/couchdb-channels-dev/examples/handler_cpp');
    for (const args of [['-S', example, '-B', join(folder, 'build'), `-DCMAKE_PREFIX_PATH=${join(folder, 'usr')}`], ['--build', join(folder, 'build')]]) {
      const made = spawnSync('cmake', args, { encoding: 'utf8' });
      assert.equal(made.status, 0, `${made.stdout}\n${made.stderr}`);
    }
    assert.equal(spawnSync('ctest', ['--test-dir', join(folder, 'build')]).status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('it installs where CouchDB is not there yet, purges to nothing, and comes back', { skip }, () => {
  debian.install(deb);
  assert.equal(debian.do('dpkg', '--verify', 'couchdb-channels'), '');
  assert.match(debian.do(PROGRAM, '--version'), /^couchdb-channels 0\.1\.0$/m);
  const conffiles = debian.do('dpkg-query', '--show', '--showformat', '${Conffiles}', 'couchdb-channels');
  assert.doesNotMatch(conffiles, /\/opt\//);
  assert.match(conffiles, /\/etc\/couchdb-channels\/templates\/en\/confirm\.txt/);
  for (const file of ['handlers-node/index.mjs', 'handlers-node/index.d.ts', 'handlers-node/package.json', 'handlers-node/template/handlers.test.js', 'handlers-python/couchdb_channels.py'])
    assert.ok(debian.has(`/usr/share/couchdb-channels/${file}`), file);
  for (const page of ['api', 'handlers']) assert.ok(debian.files().some((file) => file.startsWith(`/usr/share/doc/couchdb-channels/${page}.md`)), page);
  writeFileSync(debian.path('/etc/couchdb-channels/own.ini'), '[channels_mail]\n');
  debian.do('dpkg', '--purge', 'couchdb-channels');
  // dpkg removes an /opt that has become empty, as for any package that has files there.
  assert.deepEqual(differing(empty, debian.files()), { gone: ['/opt'], left: [] });
  debian.install(deb);
});

test('under systemd: units are read anew, a running service is started again by an upgrade and stopped by a removal', { skip }, () => {
  const calls = debian.recordSystemctl();
  const is = (name) => (call) => call.split(' ').includes(name);
  const later = withVersion(deb, '0.1.1');
  try {
    debian.do('dpkg', '--purge', 'couchdb-channels');
    calls();
    debian.install(deb);
    const [first, ...more] = calls();
    assert.equal(first, '--system daemon-reload', 'the drop-in counts from the next restart of CouchDB on');
    assert.deepEqual(more, [], 'and nothing is started');
    debian.install(later);
    assert.deepEqual(calls(), ['--system daemon-reload', 'try-restart --no-block couchdb-channels.service']);
    debian.do('dpkg', '--remove', 'couchdb-channels');
    const removal = calls();
    assert.equal(removal[0], 'stop couchdb-channels.service');
    assert.ok(removal.slice(1).some(is('daemon-reload')));
    assert.ok(!removal.some(is('couchdb.service')), 'CouchDB is left running');
  } finally {
    rmSync(later);
    debian.forgetSystemctl();
  }
  debian.do('dpkg', '--purge', 'couchdb-channels');
  debian.install(deb);
});

test('the service\'s configuration, which may hold a password, is nobody else\'s to read; what the operator narrowed stays', { skip }, () => {
  const file = '/etc/couchdb-channels/service/channels.ini';
  const mode = () => debian.do('stat', '--format', '%a %U:%G', file).trim();
  assert.equal(mode(), '640 root:root');
  debian.do('chmod', '600', file);
  debian.do('dpkg-reconfigure', '--force', 'couchdb-channels');
  assert.equal(mode(), '600 root:root');
});

test('the service is off, and systemd knows every key of its file', { skip }, () => {
  assert.deepEqual(debian.files().filter((file) => /\.wants\/couchdb-channels\.service$/.test(file)), []);
  const unit = debian.files().find((file) => file.endsWith('/system/couchdb-channels.service'));
  // The machine's own systemd-analyze, which wants the program where the unit has it.
  const folder = mkdtempSync(join(tmpdir(), 'channels-unit-'));
  const file = join(folder, 'couchdb-channels.service');
  writeFileSync(file, debian.read(unit).replaceAll('=/usr/bin/couchdb-channels', `=${debian.path(PROGRAM)}`));
  const analyze = (...args) => spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
  const verified = analyze('verify', '--man=no');
  // Of 100; lower is safer.
  const judged = analyze('security', '--offline=true', '--threshold=20');
  rmSync(folder, { recursive: true });
  assert.equal(`${verified.stdout}${verified.stderr}`, '');
  assert.equal(judged.status, 0, judged.stdout);
  for (const line of ['DynamicUser=yes', 'ProtectSystem=strict', 'NoNewPrivileges=yes', 'SystemCallErrorNumber=EPERM', 'Type=notify']) assert.ok(debian.read(unit).includes(`\n${line}\n`), line);
});

test('man page and completion know each call of --help', { skip }, () => {
  const calls = [...debian.do(PROGRAM, '--help').split('Subcommands:')[1].matchAll(/^ {2}([a-z_-]+) /gm)].map(([, call]) => call);
  assert.ok(calls.includes('status'));
  const page = debian.do('sh', '-c', 'zcat /usr/share/man/man1/couchdb-channels.1.gz');
  for (const call of calls) assert.match(page, new RegExp(`^\\.BR? "?${call.replaceAll('-', '\\\\?-')}\\b`, 'm'), `${call} in the man page`);
  assert.equal(debian.run('man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', '/usr/share/man/man1/couchdb-channels.1.gz').output.match(/warning/), null);
  const complete = (...words) => debian.do('bash', '-c', `. /usr/share/bash-completion/completions/couchdb-channels
    COMP_WORDS=(couchdb-channels ${words.join(' ')} ""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); ${words.at(-1)?.startsWith('-') ? 'unset COMP_WORDS[COMP_CWORD]; COMP_CWORD=$((COMP_CWORD - 1));' : ''}
    _couchdb_channels; printf '%s\\n' "\${COMPREPLY[@]}"`).trim().split('\n');
  assert.deepEqual(complete(), calls);
  assert.deepEqual(complete('st'.concat('atus'), '--js'), ['--json']);
});

test('the changelog and the program have one version', () => {
  const text = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const [, program] = /^project\(couchdb-channels VERSION (\S+)/m.exec(text('CMakeLists.txt'));
  const [, changelog] = /^couchdb-channels \(([^)]+)\)/.exec(text('packaging/debian/changelog'));
  assert.equal(changelog, program);
});

// The program as a service of systemd: it says by itself when it is ready, and when it stops.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../lib/net.mjs';
import { PROGRAM } from '../lib/daemon.mjs';
import { startWorld } from '../lib/world.mjs';

// Node has no datagram sockets of this kind; Debian's Perl, which is always there, has.
const LISTENER = `use IO::Socket::UNIX; $| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
print "listening\\n"; while (defined $s->recv(my $m, 4096)) { print "$m\\n" }`;
const folder = mkdtempSync(join(tmpdir(), 'channels-service-'));
const socket = join(folder, 'notify');
let world;
let listener;
let heard = '';

before(async () => {
  world = await startWorld();
  await world.daemon.stop();
  listener = spawn('perl', ['-e', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  listener.stdout.on('data', (chunk) => { heard += chunk; });
  await waitFor(() => heard.includes('listening'));
});
after(async () => {
  listener?.kill();
  await world?.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (files) => spawn(PROGRAM, files.flatMap((file) => ['--ini', file]), { env: { ...process.env, NOTIFY_SOCKET: socket }, stdio: ['ignore', 'ignore', 'pipe'] });

test('READY=1 when it is ready and not before, STOPPING=1 at its end', async () => {
  const daemon = start(world.daemon.iniFiles());
  let log = '';
  daemon.stderr.on('data', (chunk) => {
    log += chunk;
    if (!log.includes(' ready: ')) assert.doesNotMatch(heard, /READY/);
  });
  const ended = new Promise((done) => daemon.once('exit', done));
  try {
    await waitFor(() => heard.includes('READY=1\n'), { timeout: 60000, what: 'READY=1' });
    assert.match(log, / ready: /);
  } finally {
    daemon.kill('SIGTERM');
  }
  assert.equal(await ended, 0);
  await waitFor(() => heard.endsWith('READY=1\nSTOPPING=1\n'), { what: 'STOPPING=1' });
});

test('a socket that is not there is no harm', async () => {
  const { status, stderr } = spawnSync(PROGRAM, ['--ini', '/nonexistent.ini'], { env: { ...process.env, NOTIFY_SOCKET: '/nonexistent/socket' }, encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /nonexistent\.ini cannot be read/);
});

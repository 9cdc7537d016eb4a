// The program by itself: --ini, its messages and exit codes.

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';
import { iniText } from '../lib/server_process.mjs';
import { startWorld } from '../lib/world.mjs';

const folder = mkdtempSync(join(tmpdir(), 'channels-ini-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(args, { stdin = 'ignore' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(PROGRAM, args, { stdio: [stdin, 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => { stdout += chunk; });
    child.stderr.on('data', (chunk) => { stderr += chunk; });
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

function ini(sections) {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.ini`);
  writeFileSync(file, iniText(sections));
  return file;
}

test('--version and --help', async () => {
  const version = await run(['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^couchdb-channels \d+\.\d+\.\d+\n$/);
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--ini FILE/);
});

test('bad usage and bad configuration end with 2 and say what is wrong', async () => {
  for (const [args, message] of [
    [['--nonsense'], /--nonsense/],
    [['--ini', '/nonexistent.ini'], /\/nonexistent\.ini cannot be read/],
    [['--ini', ini({ channels: { q: 'many' } })], /\[channels\] q = many: must be a whole number from 1 to 64/],
    [['--ini', ini({ channels: { role: 'moon' } })], /\[channels\] role = moon/],
    [['--ini', ini({ channels: { public_url: 'sync.example.com' } })], /\[channels\] public_url = sync\.example\.com: must be a URL/],
    [['--ini', ini({ channels: { handshake_db: 'Handshake' } })], /\[channels\] handshake_db = Handshake/],
    [['--ini', ini({ channels_mail: { starttls: 'maybe' } })], /\[channels_mail\] starttls = maybe/],
    [['--ini', ini({ channels: { url: 'http://127.0.0.1:1' } })], /\[chttpd_auth\] secret is not set/],
    [['--ini', ini({ chttpd_auth: { secret: 'x' }, admins: { admin: 'in clear' } })], /\[admins\] has no entry to log in with: .*start CouchDB once/],
    [['--ini', ini({ channels: { username: 'a', password: 'b' }, channels_mail: { templates: '/nonexistent' } })], /templates: \/nonexistent/],
  ]) {
    const { code, stderr, stdout } = await run(args);
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.match(stderr + stdout, message);
  }
});

test('SIGTERM and SIGINT end it with 0', async () => {
  const world = await startWorld();
  try {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      assert.deepEqual(await world.daemon.end(signal), { code: 0, signal: null });
      world.daemon.start();
      await world.daemon.waitUntilReady();
    }
  } finally {
    await world.close();
  }
});

test('it logs in by username and password where they are set: a cookie would be refused', async () => {
  const world = await startWorld({ byPassword: true, sections: { chttpd_auth: { secret: 'another secret than the server\'s' } } });
  try {
    await world.activate(world.device('password@example.com'));
  } finally {
    await world.close();
  }
});

test('templates of the operator\'s own', async () => {
  const templates = join(folder, 'templates');
  mkdirSync(join(templates, 'en'), { recursive: true });
  writeFileSync(join(templates, 'en/confirm.txt'), 'Subject: Hello from Example Inc.\n\nOpen {{link}}\n');
  const world = await startWorld({ channels_mail: { templates } });
  try {
    const device = await world.register(world.device('template@example.com'));
    assert.equal(device.mail.subject, 'Hello from Example Inc.');
    assert.match(device.mail.html, /<a href=/);
  } finally {
    await world.close();
  }
});

test('mail by a sendmail program', async () => {
  const script = join(folder, 'sendmail');
  const out = join(folder, 'sent');
  writeFileSync(script, `#!/bin/sh\n{ echo "args: $*"; cat; } > ${out}\n`, { mode: 0o755 });
  const world = await startWorld({ channels_mail: { sendmail: script } });
  try {
    const device = world.device('sendmail@example.com');
    await device.register();
    await device.waitFor('confirming');
    const sent = await waitFor(() => readFileSync(out, 'utf8'));
    assert.match(sent, /^args: -i -f no-reply@channels\.example -- sendmail@example\.com\n/);
    assert.match(sent, /^To: sendmail@example\.com\r$/m);
    assert.match(sent, /^Subject: Confirm your device\r$/m);
  } finally {
    await world.close();
  }
});

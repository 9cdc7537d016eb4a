// Backup and restore of the whole, by the very commands of docs/operations.md: back up while all runs, lose everything,
// put it back, and the daemon goes on with the devices that there were.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverKind } from '../lib/couch_server.mjs';
import { commandsWith, readDoc } from '../lib/docs.mjs';
import { startWorld } from '../lib/world.mjs';

const skip = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB of its own, whose files it loses';
const doc = readDoc('operations.md');
const backup = mkdtempSync(join(tmpdir(), 'channels-backup-'));
let world;
before(async () => { if (!skip) world = await startWorld({ own: true }); });
after(async () => {
  await world?.close();
  rmSync(backup, { recursive: true, force: true });
});

/** Those commands that are about the data, on this server's folders. */
function run(commands) {
  const data = join(world.server.dir, 'data');
  const mine = commands.filter((line) => /var\/lib\/couchdb|^mkdir/.test(line)).map((line) => line.replaceAll('/var/lib/couchdb', data).replaceAll('/backup', backup));
  assert.ok(mine.length >= 2, commands.join('\n'));
  execFileSync('sh', ['-e', '-c', mine.join('\n')], { stdio: ['ignore', 'inherit', 'inherit'] });
}

test('backed up while it runs, lost, put back: devices and daemon go on', { skip }, async () => {
  const phone = await world.activate(world.device('alice@example.com'));
  const first = await world.makeChannel(phone, { name: 'before' });
  assert.equal(first.state, 'ready');
  run(commandsWith(doc, 'mkdir -p /backup'));
  const later = await world.activate(world.device('bob@example.com'));
  await world.makeChannel(phone, { name: 'after' });

  await world.server.stop();
  run(commandsWith(doc, 'rm -rf /var/lib/couchdb'));
  assert.ok(readdirSync(join(world.server.dir, 'data')).includes('shards'));
  await world.server.start();

  assert.equal((await world.get(phone, first._id)).state, 'ready');
  const next = await world.makeChannel(phone, { name: 'afterwards' });
  assert.equal(next.state, 'ready');
  // A name from after the backup is free again, since its channel is unknown.
  assert.equal((await world.makeChannel(phone, { name: 'after' })).state, 'ready');
  // Who was registered since is a stranger, and can register again.
  assert.equal((await later.request(`${later.control}/any`)).status, 401);
  await world.activate(world.device('bob@example.com'));
});

// create.mjs: a new folder from the template, whose own test passes once the kit is installed.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIT, appFolder } from '../../../tests/lib/app_folder.mjs';

let parent;
const create = (...args) => spawnSync(process.execPath, [join(KIT, 'create.mjs'), ...args], { encoding: 'utf8' });

before(() => { parent = mkdtempSync(join(tmpdir(), 'channels-create-')); });
after(() => { rmSync(parent, { recursive: true }); });

test('it copies the template, says how to go on, and the template\'s test passes there', () => {
  const folder = join(parent, 'orders');
  const { status, stdout } = create(folder);
  assert.equal(status, 0);
  assert.deepEqual(readdirSync(folder).sort(), readdirSync(join(KIT, 'template')).sort());
  // From a checkout or the package: the kit beside it, since a registry need not have it.
  assert.ok(stdout.includes(`cd ${folder} && npm install --install-links ${KIT}`), stdout);
  const app = appFolder(folder);
  try {
    // Else it would take itself for a part of this run, and run nothing.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const tried = spawnSync(process.execPath, ['--test', '--test-reporter=tap'], { cwd: app, env, encoding: 'utf8' });
    assert.match(tried.stdout, /^# pass 1$/m);
  } finally {
    rmSync(app, { recursive: true });
  }
});

test('it writes over nothing, and wants a name', () => {
  const folder = join(parent, 'twice');
  assert.equal(create(folder).status, 0);
  const handlers = readFileSync(join(folder, 'handlers.mjs'), 'utf8');
  const again = create(folder);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /twice is there already/);
  assert.equal(readFileSync(join(folder, 'handlers.mjs'), 'utf8'), handlers);
  const nameless = create();
  assert.equal(nameless.status, 2);
  assert.match(nameless.stderr, /^usage: /);
});

test('the template names the command line that has errors name the source\'s lines', () => {
  assert.match(readFileSync(join(KIT, 'template/handlers.mjs'), 'utf8'), /orders = \/usr\/bin\/node --enable-source-maps \/srv\/orders\/handlers\.mjs/);
});

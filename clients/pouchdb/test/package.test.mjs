// The npm package, as who installs it gets it: packed in a copy of this folder beside which there is no project, unpacked where there is nothing but
// PouchDB.

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../tests/node_modules', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'channels-npm-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('packed and installed alone it is imported, plugged in, and has its bundle and types', () => {
  const copy = join(folder, 'copy');
  cpSync(HERE, copy, { recursive: true, filter: (path) => !/\/(node_modules|dist)(\/|$)/.test(path.slice(HERE.length - 1)) });
  // What `npm install` in that folder brings: its devDependencies, of which there is one.
  const { devDependencies } = JSON.parse(readFileSync(join(copy, 'package.json')));
  mkdirSync(join(copy, 'node_modules'));
  for (const name of Object.keys(devDependencies)) symlinkSync(join(MODULES, name), join(copy, 'node_modules', name));
  execFileSync('npm', ['pack', '--offline'], { cwd: copy, stdio: 'pipe' });
  const tarball = readdirSync(copy).find((name) => name.endsWith('.tgz'));

  const app = join(folder, 'app');
  const installed = join(app, 'node_modules/pouchdb-channels');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(copy, tarball), '--strip-components=1', '-C', installed]);
  symlinkSync(join(MODULES, 'pouchdb'), join(app, 'node_modules/pouchdb'));
  writeFileSync(join(app, 'app.mjs'), `
    import PouchDB from 'pouchdb';
    import Channels from 'pouchdb-channels';
    PouchDB.plugin(Channels);
    const device = await PouchDB.channels({ server: 'http://127.0.0.1:1/', store: 'a-store' });
    await device.channel('Photos').put({ _id: 'beach' });
    console.log(device.status.state, (await device.channel('Photos').get('beach'))._id);
    await device.close();`);
  const said = execFileSync(process.execPath, ['app.mjs'], { cwd: app, encoding: 'utf8' });
  assert.equal(said.trim(), 'none beach');
  const files = readdirSync(installed, { recursive: true });
  assert.deepEqual(readdirSync(join(installed, 'dist')).sort(), ['pouchdb-channels.js', 'pouchdb-channels.js.map']);
  assert.match(readFileSync(join(installed, 'index.d.ts'), 'utf8'), /exchange\(/);
  assert.ok(!files.includes('test') && !files.includes('build.mjs'), `${files}`);
});

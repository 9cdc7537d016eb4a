// The types hold what an app in TypeScript needs, and refuse what is wrong; the bundle is one script for a page.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundle } from '../build.mjs';

const require = createRequire(new URL('../../../tests/package.json', import.meta.url));

/** What the compiler says about a program that imports the package. */
function complaintsAbout(source) {
  const ts = require('typescript');
  const folder = mkdtempSync(join(tmpdir(), 'channels-types-'));
  try {
    symlinkSync(fileURLToPath(new URL('../../../tests/node_modules', import.meta.url)), join(folder, 'node_modules'));
    const file = join(folder, 'app.mts');
    writeFileSync(file, source.replace('pouchdb-channels', fileURLToPath(new URL('../index.js', import.meta.url))));
    const options = { strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022, types: ['pouchdb-core'], typeRoots: [join(folder, 'node_modules/@types')], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] };
    return ts.getPreEmitDiagnostics(ts.createProgram([file], options)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const APP = `
import Channels, { type Device } from 'pouchdb-channels';
declare const PouchDB: PouchDB.Static;
PouchDB.plugin(Channels);
const device: Device = await PouchDB.channels({ server: 'https://sync.example.com/', name: 'Phone' });
device.on('code', (code) => code.toUpperCase()).on('sync', ({ lastSynced }) => lastSynced?.length);
await device.register({ owner: 'alice@example.com' });
const photos = device.channel<{ text: string }>('Photos');
const { text } = await photos.get('a');
text.trim();
const id: string = await device.invite('Photos', 'bob@example.com', { access: 'reader' });
device.on('removed', ({ left, name }) => left && name?.length);
await device.handOver('Photos', device.members('Photos')[0].user);
await device.withdraw(id);
await device.showMembers('Photos', 'names').then(() => device.setProfile({ name: 'Alice' }));
device.on('profile', ({ name }) => name?.length);
device.on('deleted', ({ until, name }) => until?.length ?? name?.length).on('archived', ({ id }) => device.reopenChannel(id));
await device.archiveChannel('Photos');
for (const { id, name } of await device.publicChannels()) await device.follow(name === 'News' ? id : '');
for (const { shows, groups, public: isPublic } of device.channels()) if (isPublic && shows !== 'names') groups[0].access satisfies 'writer' | 'reader';
for (const { memberCount, groups } of device.channels()) if (memberCount !== null && memberCount > 200) groups[0].name?.length;
device.people('Photos')[0].groups.includes(device.groups()[0].id);
device.groups()[0].memberCount satisfies number | null;
device.groups()[0].shows satisfies 'nothing' | 'names' | 'addresses' | null;
await device.deleteChannel('Photos').then(() => device.undeleteChannel('Photos'));
`;

test('an app in TypeScript compiles', () => {
  assert.deepEqual(complaintsAbout(APP), []);
});

test('what is wrong does not', () => {
  const wrong = ['device.register({})', 'device.on("cod", () => {})', 'PouchDB.channels({})', 'device.signOut({ wipe: 1 })', 'new Device()', 'device.invite("Photos", "bob@example.com", { access: "king" })'];
  const complaints = complaintsAbout(`${APP.replace('type Device', 'Device')}\n${wrong.join(';\n')};`);
  assert.equal(complaints.length, wrong.length, complaints.join('\n'));
});

test('the bundle is one script without an import', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'channels-bundle-'));
  try {
    await buildBundle(join(folder, 'bundle.js'));
    const text = readFileSync(join(folder, 'bundle.js'), 'utf8');
    assert.match(text, /^("use strict";)?\(\(\)=>/);
    assert.doesNotMatch(text, /\brequire\(|^import /m);
    assert.ok(text.length < 60000, `${text.length} bytes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// The types hold what handlers in TypeScript need, and refuse what is wrong; what is thrown is reported by the line of the source.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { appFolder } from '../../../tests/lib/app_folder.mjs';

const require = createRequire(new URL('../../../tests/package.json', import.meta.url));
const ts = require('typescript');

/** A folder with the kit installed and this source; `use` gets its path. */
async function withSource(name, text, use) {
  const source = mkdtempSync(join(tmpdir(), 'channels-source-'));
  writeFileSync(join(source, name), text);
  const folder = appFolder(source, ['nano', '@types']);
  rmSync(source, { recursive: true });
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const complaintsAbout = (text) => withSource('app.mts', text, (folder) => {
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022, types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  };
  return ts.getPreEmitDiagnostics(ts.createProgram([join(folder, 'app.mts')], options)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
});

const APP = `
import { control, type Handler } from 'couchdb-channels-handlers';
import { tryOut } from 'couchdb-channels-handlers/harness';
const accept: Handler = (doc, ctx) => (ctx.attempt > 3 ? ctx.retryLater(60, 'no stock') : { ...doc, state: 'accepted' });
control.safe('order', 'new', accept)
  .unsafe('order', 'paid', async (doc, { couch, attemptKey, signal, db, deadline }) => {
    await fetch('https://parcels.example', { signal, headers: { 'Idempotency-Key': attemptKey } });
    const known = await couch.use(db).get(doc._id);
    return { ...doc, state: 'shipped', rev: known._rev, until: deadline.toISOString() };
  }, { onLost: 'retry' })
  .safe('order', '*', () => {});
const tried = await tryOut({ _id: 'a', type: 'order', state: 'new' }, { attempt: 2 });
tried?.doc?.state?.toUpperCase();
`;

test('handlers in TypeScript compile', async () => {
  assert.deepEqual(await complaintsAbout(APP), []);
});

test('what is wrong does not', async () => {
  const wrong = [
    "control.unsafe('order', 'sent', () => {}, { onLost: 'twice' })", "control.safe('order', () => {})", "control.safe('order', 'x', () => 'text')",
    "control.safe('order', 'y', (doc, ctx) => { ctx.attempts; })", "control.safe('order', 'z', (doc, ctx) => { ctx.couch = null; })", 'tryOut()',
  ];
  const complaints = await complaintsAbout(`${APP}\n${wrong.join(';\n')};`);
  assert.ok(complaints.length >= wrong.length, complaints.join('\n'));
  for (const each of wrong) assert.notDeepEqual(await complaintsAbout(`${APP}\n${each};`), [], each);
});

const FAILS = `import { control, type ChannelsDocument } from 'couchdb-channels-handlers';

interface Order extends ChannelsDocument { items: string[] }

function total(order: Order): number {
  throw new Error('no such luck');
}

control.safe('order', 'new', (doc) => ({ ...doc, total: total(doc as Order) }));
`;

test('an error in a compiled handler names the line of its TypeScript', () => withSource('orders.ts', FAILS, async (folder) => {
  const { outputText, sourceMapText } = ts.transpileModule(FAILS, {
    fileName: 'orders.ts', compilerOptions: { sourceMap: true, module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(join(folder, 'orders.mjs'), outputText.replace('orders.js.map', 'orders.mjs.map'));
  writeFileSync(join(folder, 'orders.mjs.map'), sourceMapText);
  const thrownAt = FAILS.split('\n').findIndex((line) => line.includes('throw')) + 1;
  assert.notEqual(outputText.split('\n').findIndex((line) => line.includes('throw')) + 1, thrownAt, 'else this would prove nothing');

  // As [channels_handlers] starts it.
  const child = spawn(process.execPath, ['--enable-source-maps', 'orders.mjs'], { cwd: folder, env: { ...process.env, COUCHDB_URL: 'http://127.0.0.1:1/' }, stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value);
    assert.equal((await next())[0], 'register');
    assert.deepEqual(await next(), ['ready']);
    const run = { db: 'orders', mode: 'safe', attempt: 1, attempt_key: 'k', deadline: '2030-01-01T00:00:00Z', cookie: '', doc: { _id: 'a', type: 'order', state: 'new' } };
    child.stdin.write(`${JSON.stringify(['handle', 1, run])}\n`);
    const [verb, text, { level }] = await next();
    assert.deepEqual([verb, level], ['log', 'error']);
    assert.match(text, new RegExp(`a in orders: Error: no such luck\\n.*orders\\.ts:${thrownAt}:`, 's'));
    assert.deepEqual(await next(), ['error', 1, { reason: 'no such luck' }]);
  } finally {
    child.kill();
  }
}));

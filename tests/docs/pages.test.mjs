// What is written about the program names all of its calls, and the pages of the headers are made without a warning.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM } from '../lib/daemon.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file) => readFileSync(join(ROOT, file), 'utf8');

test('each call of --help is in the man page and in docs/operations.md, and no other', () => {
  const calls = [...execFileSync(PROGRAM, ['--help'], { encoding: 'utf8' }).split('Subcommands:')[1].matchAll(/^ {2}([a-z_-]+) /gm)].map(([, call]) => call);
  assert.ok(calls.includes('trace') && calls.includes('replay'));
  const page = read('packaging/man/couchdb-channels.1').split('.SH CALLS')[1].split('.SH EXIT')[0];
  const inPage = [...page.matchAll(/^\.TP\n\.BR? "?([a-z_\\-]+)/gm)].map(([, call]) => call.replaceAll('\\', ''));
  assert.deepEqual(inPage.sort(), [...calls].sort());
  for (const call of calls) assert.match(read('docs/operations.md'), new RegExp(`couchdb-channels ${call}\\b`), `${call} in docs/operations.md`);
});

test('each type and each state that a built-in rule is for is in docs/api.md', () => {
  const rules = [...read('daemon/workflows/all.cc').split('Rules device_rules')[0].matchAll(/\.?\b(?:un)?safe\("([^"]+)", "([^"]+)"/g)];
  assert.ok(rules.length > 20, 'else this would prove nothing');
  const page = read('docs/api.md');
  for (const [, type, state] of rules) {
    for (const word of [type, state].filter((name) => name !== '*')) assert.match(page, new RegExp(`[\`"]${word}[\`"]`), `${type} ${state}`);
  }
});

test('docs/handlers.md names what built-in rules keep, and each pair that a program may have after them, and no other', () => {
  const rules = read('daemon/workflows/all.cc');
  const [line] = /^- In control databases the built-in rules keep [^]*?\n(?=- )/m.exec(read('docs/handlers.md'));
  const [kept, after] = line.split('A program may have these after them');
  const named = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
  const control = rules.split('control.safe(')[1].split('rules.on(Kind::channel)')[0];
  const types = new Set([...`safe(${control}`.matchAll(/safe\("([a-z]+)"/g)].map(([, type]) => type));
  for (const type of types) assert.ok(named(kept).includes(type), `${type} is kept`);
  const offered = after.split(':')[1].split(';').map(named).flatMap(([type, ...states]) => states.map((state) => `${type} ${state}`));
  const code = rules.split('bool is_extension_point')[1];
  const coded = [...code.matchAll(/type == "([a-z]+)"([^;]+);/g)].flatMap(([, type, states]) => [...states.matchAll(/state == "([a-z]+)"/g)].map(([, state]) => `${type} ${state}`));
  assert.ok(coded.length > 10, 'else this would prove nothing');
  assert.deepEqual(offered.sort(), coded.sort());
});

test('each option of the calls for handlers is in the man page', () => {
  const page = read('packaging/man/couchdb-channels.1').replaceAll('\\', '');
  for (const call of ['trace', 'replay']) {
    const help = execFileSync(PROGRAM, [call, '--help'], { encoding: 'utf8' });
    for (const [, option] of help.matchAll(/(--[a-z-]+)/g)) if (!['--help', '--ini'].includes(option)) assert.ok(page.includes(option), `${call} ${option}`);
  }
});

test('the headers for handlers in C++ have their pages, without a warning', { skip: spawnSync('doxygen', ['--version']).status === 0 ? false : 'needs doxygen' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'channels-doc-'));
  try {
    const { status, stderr, stdout } = spawnSync('doxygen', ['-'], { cwd: ROOT, encoding: 'utf8', input: `${read('docs/Doxyfile')}\nOUTPUT_DIRECTORY = ${folder}\n` });
    assert.equal(status, 0, stderr);
    assert.equal(stderr + stdout, '');
    const pages = readdirSync(join(folder, 'html')).filter((name) => name.endsWith('.html'));
    const text = pages.map((name) => readFileSync(join(folder, 'html', name), 'utf8')).join('\n');
    for (const said of ['int channels::serve', 'Registers the handlers and runs them', 'idempotent: may run twice', 'Look-up order']) assert.ok(text.includes(said), said);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every header that is installed has its page', () => {
  const listed = /set\(handlers_headers\n([\s\S]*?)\)/.exec(read('cmake/handlers_library.cmake'))[1].trim().split(/\s+/);
  const patterns = /FILE_PATTERNS[^=]*=([\s\S]*?)\nRECURSIVE/.exec(read('docs/Doxyfile'))[1].replaceAll('\\', ' ').trim().split(/\s+/);
  assert.deepEqual(listed.map((file) => file.split('/').at(-1)).sort(), patterns.sort());
  for (const file of listed) assert.ok(existsSync(join(ROOT, 'daemon', file)), file);
});

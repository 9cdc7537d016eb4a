// What is written about the program names all of its calls and what it logs, and the pages of the headers are made without a warning.

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

test('each kind of act that the audit has is in the table of docs/documents.md, and no other', () => {
  const sources = filesBelow('daemon').filter((file) => file.endsWith('.cc')).map(read).filter((source) => /\b(?:note_audit|audit_entry|Deed|note_link|note_invitation)\b/.test(source));
  const acts = new Set(sources.flatMap((source) => [...source.matchAll(/"((?:user|device|channel|group|member|document) [a-z]+(?: [a-z]+)?)"/g)].map(([, act]) => act)));
  for (const shows of ['nothing', 'names', 'addresses']) acts.add(`members show ${shows}`);
  for (const end of ['made', 'closed', 'expired']) acts.add(`link ${end}`);
  for (const end of ['sent', 'withdrawn', 'accepted', 'declined', 'failed', 'expired']) acts.add(`invitation ${end}`);
  const table = read('docs/documents.md').split('| what | by |')[1].split('\n\n')[0];
  const told = table.split('\n').slice(2).flatMap((row) => [...row.split('|')[1].replace(/\([^)]*\)/g, '').matchAll(/`([^`]+)`/g)].map(([, act]) => act));
  assert.deepEqual(told.sort(), [...acts].sort());
});

/** [{file, ways}] of what is logged there: of each way that a line can go, its longest clause. */
function logged(folder, extension, call) {
  return filesBelow(folder).filter((file) => file.endsWith(extension)).flatMap((file) => [...read(file).matchAll(call)].map((found) => ({
    file, ways: argumentsOf(read(file), found.index + found[0].length).map(longestClause),
  })));
}

const filesBelow = (folder) => readdirSync(join(ROOT, folder), { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? filesBelow(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]));

/** The source from there to the bracket's end, cut where `a ? b : c` chooses. */
function argumentsOf(source, from) {
  let depth = 1;
  let ways = [''];
  for (const [token] of source.slice(from).matchAll(/"(?:[^"\\]|\\.)*"|[^"]/gs)) {
    if ('([{'.includes(token)) depth += 1;
    if (')]}'.includes(token)) depth -= 1;
    if (depth === 0) break;
    if (token === '?' || token === ':') ways.push('');
    else ways[ways.length - 1] += token;
  }
  return ways;
}

function longestClause(source) {
  const joined = source.replace(/"\s*"/g, '');  // literals beside each other are one
  const texts = [...joined.matchAll(/"((?:[^"\\]|\\.)*)"/g)].flatMap(([, text]) => text.replaceAll('\\"', '"').split(/~(?:\d*\.?\d*\.?)?[a-zA-Z]/));
  return texts.flatMap((text) => text.split(/[.;:,()[\]]/)).map((clause) => clause.trim()).sort((a, b) => b.length - a.length)[0] ?? '';
}

test('each line that is logged stands in a table of docs/operations.md that says what to do about it', () => {
  const tables = read('docs/operations.md').split(/\n(?!\|)/).filter((table) => /^\| line/.test(table.trim())).join('\n').replaceAll('`', '');
  const calls = [
    ...logged('daemon', '.cc', /\blog(?:_|\(\))?\.(?:info|error|warning)\(/g),
    ...logged('daemon', '.cc', /\blog_\.(?:said|told)\(Level::(?:info|error), /g),
    ...logged('daemon', '.cc', /\bwarnings\.push_back\(|\bwarn(?:ing\.append)?\(|\bwarning \+= |\blog_refusal\(/g),
    ...logged('daemon/workflows/rollout', '.cc', /\bsay\(/g),
    ...logged('packaging/os_daemons/src', '.erl', /couch_log:(?:error|warning|notice|info)\(/g),
  ];
  assert.ok(calls.length > 60, `${calls.length}`);
  const missing = calls.flatMap(({ file, ways }) => ways.filter((words) => words.length >= 8 && !tables.includes(words)).map((words) => `${file}: ${words}`));
  assert.deepEqual(missing, []);
  // Whose words are made elsewhere.
  for (const words of ['waiting for CouchDB at', 'refuses us', 'checkpoints: ', 'beats: ', 'refuses entries of the audit', 'lines before this were left out', 'the handler did not answer within']) {
    assert.ok(tables.includes(words), words);
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

test('each part of make bench has its place in docs/performance.md', () => {
  const parts = [.../^const ALL = \[(.*)\];$/m.exec(read('bench/main.mjs'))[1].matchAll(/'([a-z_]+)'/g)].map(([, part]) => part);
  assert.ok(parts.includes('manager') && parts.includes('transitions'));
  const page = read('docs/performance.md');
  for (const part of parts) assert.match(page, new RegExp(`^<!-- ${part} -->\\n[^]*?^<!-- end of ${part} -->$`, 'm'), part);
});

test('every header that is installed has its page', () => {
  const listed = /set\(handlers_headers\n([\s\S]*?)\)/.exec(read('cmake/handlers_library.cmake'))[1].trim().split(/\s+/);
  const patterns = /FILE_PATTERNS[^=]*=([\s\S]*?)\nRECURSIVE/.exec(read('docs/Doxyfile'))[1].replaceAll('\\', ' ').trim().split(/\s+/);
  assert.deepEqual(listed.map((file) => file.split('/').at(-1)).sort(), patterns.sort());
  for (const file of listed) assert.ok(existsSync(join(ROOT, 'daemon', file)), file);
});

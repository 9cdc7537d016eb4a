// The runner behind `make test`:
//   node tests/run.mjs [--build DIR] [--sanitized DIR]... [--only PATTERN] [--jobs N]
// Starts one server for all tests (see lib/couch_server.mjs for which), says aloud which, runs the C++ tests
// of DIR by ctest (of a --sanitized DIR the unit tests, under its sanitizer), the manager's EUnit tests, and every *.test.mjs of
// tests/ and clients/ (one process each, N at a time; the simulation beside them, on what they leave), and sums up. The last line is
// "N passed, N failed, N skipped"; the exit code is 1 if anything failed or if nothing ran.

import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { startCouch } from './lib/couch_server.mjs';
import { runCtest } from './lib/run_ctest.mjs';
import { runEunit } from './lib/run_eunit.mjs';
import { findTestFiles, runTestFile, runTestFiles } from './lib/run_node_tests.mjs';

const { values } = parseArgs({ options: { build: { type: 'string' }, sanitized: { type: 'string', multiple: true }, only: { type: 'string' }, jobs: { type: 'string', default: '2' } } });
// Fills all processors for minutes, and waits for nothing.
const SIMULATION = 'simulation';
const build = values.build ? resolve(values.build) : null;

function say(text = '') {
  console.log(text);
}

function announce(server) {
  say(`server: ${server.name}`);
  if (server.embedded) say('NOTE: this is no real CouchDB. Nothing in this run has met a real server.');
  say();
}

function environmentOf(server) {
  return {
    ...process.env,
    COUCHDB_URL: server.url,
    COUCHDB_USER: server.user,
    COUCHDB_PASSWORD: server.password,
    CHANNELS_TEST_SERVER_KIND: server.kind,
    CHANNELS_TEST_SERVER_SECRET: server.secret ?? '',
    CHANNELS_TEST_SERVER_INI: server.iniFiles.join(' '),
    ...(build ? { CHANNELS_BUILD: build, CHANNELS_PROGRAM: `${build}/couchdb-channels` } : {}),
  };
}

/** Each part answers {title, passed, failed: [{name, output}], skipped: [{name, reason}]}. */
async function runParts(server) {
  const env = environmentOf(server);
  const parts = [];
  if (build) parts.push(report(await runCtest({ build, without: SIMULATION, only: values.only, env })));
  else say('no --build DIR: the C++ tests are left out');
  for (const folder of values.sanitized ?? []) {
    parts.push(report(await runCtest({ build: resolve(folder), label: 'unit', only: values.only, env })));
  }
  if (build) parts.push(report(await runEunit({ build, only: values.only, env })));
  const simulation = build ? runCtest({ build, label: SIMULATION, only: values.only, env, yielding: true }).then(report) : null;
  parts.push(...await runTestFiles(findTestFiles(values.only), { jobs: Number(values.jobs), run: async (file) => report(await runTestFile(file, env)), beside: simulation }));
  if (simulation) parts.push(await simulation);
  return parts;
}

function report(part) {
  const { title, passed, failed, skipped, seconds } = part;
  say(`${failed.length > 0 ? 'FAILED' : 'ok'}  ${title}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped (${seconds.toFixed(1)} s)`);
  for (const { name, reason } of skipped) say(`      skipped: ${name}: ${reason}`);
  for (const { name, output } of failed) say(`      failed: ${name}\n${output.replace(/^/gm, '        ')}`);
  return part;
}

function summary(server, parts) {
  const count = (field) => parts.reduce((sum, part) => sum + part[field].length, 0);
  const passed = parts.reduce((sum, part) => sum + part.passed, 0);
  const failed = count('failed');
  const skipped = count('skipped');
  say();
  for (const part of parts) for (const { name } of part.failed) say(`failed: ${part.title}: ${name}`);
  say(`ran on ${server.name}${server.embedded ? '; nothing has met a real CouchDB' : ''}`);
  if (passed + failed === 0) say('no test ran');
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

const server = await startCouch();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => server.close().finally(() => process.exit(130)));
}
announce(server);
try {
  process.exitCode = summary(server, await runParts(server));
} finally {
  await server.close();
}

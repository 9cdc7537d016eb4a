// Runs the EUnit tests of tests/manager/eunit on the Erlang at hand, with stand-ins for CouchDB's applications and
// real daemons, and counts by the files that eunit_surefire writes.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from './run_process.mjs';
import { unescapeXml } from './xml.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = join(ROOT, 'tests/manager/eunit');
const LIMIT_MS = 900000;

/** `build`: the build folder, whose os_daemons is the manager. `only`: a regular expression on the path of a test file. */
export async function runEunit({ build, only, env }) {
  const title = 'eunit tests/manager/eunit';
  const pattern = only ? new RegExp(only) : null;
  const modules = readdirSync(SOURCES).filter((name) => name.endsWith('_tests.erl') && (!pattern || pattern.test(`tests/manager/eunit/${name}`)))
    .map((name) => name.slice(0, -'.erl'.length));
  if (modules.length === 0) return { title, passed: 0, failed: [], skipped: [], seconds: 0 };
  const reports = mkdtempSync(join(tmpdir(), 'channels-eunit-'));
  try {
    const built = await makeBoth(build, env);
    if (built.code !== 0) return { title, passed: 0, failed: [{ name: 'make', output: built.output }], skipped: [], seconds: built.seconds };
    const result = await runProcess('erl', erlArguments(build, modules, reports), { env, cwd: reports, limitMs: LIMIT_MS });
    const counts = readReports(reports);
    const trouble = troubleOf(result, counts, modules);
    if (trouble) counts.failed.push({ name: trouble, output: result.output.split('\n').slice(-100).join('\n') });
    return { title, seconds: built.seconds + result.seconds, skipped: [], ...counts };
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

async function makeBoth(build, env) {
  const folder = resolve(build);
  const manager = await runProcess('make', ['-C', join(ROOT, 'packaging/os_daemons'), `OUT=${folder}/os_daemons`], { env, limitMs: LIMIT_MS });
  if (manager.code !== 0) return manager;
  return runProcess('make', ['-C', SOURCES, `OUT=${folder}/eunit`], { env, limitMs: LIMIT_MS });
}

function erlArguments(build, modules, reports) {
  const run = `R = eunit:test([${modules}], [{report, {eunit_surefire, [{dir, "${reports}"}]}}]), halt(case R of ok -> 0; _ -> 1 end).`;
  return ['-noshell', '-kernel', 'logger_level', 'none', '-pa', join(build, 'os_daemons/ebin'), '-pa', join(build, 'eunit'), '-eval', run];
}

function readReports(folder) {
  const counts = { passed: 0, failed: [] };
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.xml'))) {
    const xml = readFileSync(join(folder, file), 'utf8');
    for (const [, attributes, body] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
      const name = unescapeXml(/name="([^"]*)"/.exec(attributes)?.[1] ?? '');
      // What did not run to its end is no pass, whatever the reason.
      if (/<(failure|error|skipped|aborted)\b/.test(body ?? '')) counts.failed.push({ name, output: unescapeXml(body.trim()) });
      else counts.passed += 1;
    }
  }
  return counts;
}

function troubleOf(result, counts, modules) {
  if (result.timedOut) return `did not end within ${LIMIT_MS / 1000} s`;
  if (counts.passed + counts.failed.length === 0) return 'ran no test';
  if (result.code !== 0 && counts.failed.length === 0) return `eunit of ${modules} ended with code ${result.code}`;
  return null;
}

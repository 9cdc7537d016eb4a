// Runs one file of node:test tests in a process of its own and counts by its TAP output.

import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from './run_process.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['tests', 'clients'];
const LIMIT_MS = 600000;      // one file; a test that hangs must not hang the run
const ALONE = /^tests\/(chaos\/|package\/|manager\/load\.)/;
// Minutes of these are pauses (of CouchDB's replicator, between steps of a rollout), which cost no processor.
const PATIENT = /^tests\/e2e\/(laptop|rollout)\.test\./;
const OUTPUT_LINES_MAX = 200; // of a file that failed

/** Every *.test.mjs below tests/ and clients/, in order of path; `only` is a regular expression on the path. */
export function findTestFiles(only) {
  const pattern = only ? new RegExp(only) : null;
  const files = FOLDERS.flatMap((folder) => walk(join(ROOT, folder))).map((file) => relative(ROOT, file)).sort();
  return pattern ? files.filter((file) => pattern.test(file)) : files;
}

function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return walk(path);
    return entry.name.endsWith('.test.mjs') ? [path] : [];
  });
}

/**
 * Calls `run(file)` for each, `jobs` at a time, and answers their results in the order of their ends. Those that wait most of
 * their time (PATIENT) begin at once, in a turn of their own beside the others. Files that kill servers, fill the machine or
 * install things (ALONE) come last, by themselves, and after what else is under way (`beside`, a promise).
 */
export async function runTestFiles(files, { jobs, run, beside }) {
  const results = [];
  const runInTurn = async (line) => {
    for (let file = line.shift(); file; file = line.shift()) results.push(await run(file));
  };
  const shared = files.filter((file) => !ALONE.test(file));
  const turns = jobs > 1 ? [shared.filter((file) => PATIENT.test(file))] : [];
  const others = shared.filter((file) => !turns[0]?.includes(file));
  await Promise.all([...turns, ...Array(Math.max(1, jobs)).fill(others)].map(runInTurn));
  await beside;
  await runInTurn(files.filter((file) => ALONE.test(file)));
  return results;
}

export async function runTestFile(file, env) {
  const result = await runProcess(process.execPath, ['--test-reporter=tap', file], { env, cwd: ROOT, limitMs: LIMIT_MS });
  const { names, skipped, passed } = readTap(result.output);
  const output = whatWentWrong(result.output).split('\n').slice(0, OUTPUT_LINES_MAX).join('\n');
  const failed = names.map((name, index) => ({ name, output: index === 0 ? output : '(see above)' }));
  const trouble = troubleOf(result, { passed, failed, skipped });
  if (trouble) failed.push({ name: trouble, output });
  return { title: file, passed, failed, skipped, seconds: result.seconds };
}

/** TAP without the points that passed, and without what only counts: a log that is cut short still has the failure in it. */
export function whatWentWrong(tap) {
  const kept = [];
  let ok = null;  // indentation of the passed point whose YAML block is being left out
  for (const line of tap.split('\n')) {
    const point = /^( *)(not )?ok \d+ - /.exec(line);
    if (point) ok = point[2] ? null : point[1].length;
    else if (ok !== null && !line.startsWith(' '.repeat(ok + 2))) ok = null;
    if (ok === null && !/^ *(# (Subtest:|tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) |TAP version|\d+\.\.\d+$)/.test(line)) kept.push(line);
  }
  return kept.join('\n');
}

/** What went wrong beyond the single tests; null if nothing. */
function troubleOf(result, { passed, failed, skipped }) {
  if (result.timedOut) return `did not end within ${LIMIT_MS / 1000} s`;
  if (result.code !== 0 && failed.length === 0) return `ended with code ${result.code}`;
  if (passed + failed.length + skipped.length === 0) return 'ran no test';
  return null;
}

/**
 * Counts leaves only: a suite or a test with subtests is reported after its parts, one level further out,
 * and a parent that fails because of a part says nothing new.
 */
export function readTap(output) {
  const names = [];
  const skipped = [];
  let passed = 0;
  let deepest = -1;  // depth of the last point seen inside the parent now open
  for (const line of output.split('\n')) {
    const match = /^( *)(not )?ok \d+ - (.*?)(?: # (SKIP|TODO)\b ?(.*))?$/.exec(line);
    if (!match) continue;
    const [, indent, not, name, directive, reason] = match;
    const isParent = deepest > indent.length;
    deepest = indent.length;
    if (directive === 'SKIP') skipped.push({ name, reason: reason || 'no reason given' });
    else if (not && directive !== 'TODO' && !(isParent && names.length > 0)) names.push(name);
    else if (!not && !isParent) passed += 1;
  }
  return { names, skipped, passed };
}

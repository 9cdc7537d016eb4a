// Runs the C++ tests of a build folder by ctest and counts by its JUnit file.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from './run_process.mjs';
import { unescapeXml } from './xml.mjs';

const LIMIT_MS = 1800000;

/** `label`: only tests that have it; `without`: only those that have it not. `yielding`: as in run_process.mjs. */
export async function runCtest({ build, label, without, only, env, yielding }) {
  const title = `ctest ${build}${label ? ` -L ${label}` : ''}`;
  if (!existsSync(join(build, 'CTestTestfile.cmake'))) {
    return { title, passed: 0, skipped: [], seconds: 0, failed: [{ name: 'no tests are built there', output: '' }] };
  }
  const scratch = mkdtempSync(join(tmpdir(), 'channels-ctest-'));
  const file = join(scratch, 'junit.xml');
  const args = ['--test-dir', build, '--output-on-failure', '-j', '2', '--output-junit', file, ...(label ? ['-L', label] : []), ...(without ? ['-LE', without] : []), ...(only ? ['-R', only] : [])];
  try {
    const result = await runProcess('ctest', args, { env, limitMs: LIMIT_MS, yielding });
    const counts = existsSync(file) ? readJunit(readFileSync(file, 'utf8')) : { passed: 0, failed: [], skipped: [] };
    const ranNone = counts.passed + counts.failed.length + counts.skipped.length === 0;
    if (counts.failed.length === 0 && (result.timedOut || (result.code !== 0 && !(ranNone && only)) || (ranNone && !only))) {
      const output = result.output.split('\n').slice(-60).join('\n');
      counts.failed.push({ name: result.timedOut ? 'ctest did not end in time' : 'ctest', output });
    }
    return { title, seconds: result.seconds, ...counts };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Whatever did not run and is not skipped (a missing program, say) has failed. */
export function readJunit(xml) {
  const counts = { passed: 0, failed: [], skipped: [] };
  for (const [, attributes, body] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const attribute = (name) => unescapeXml(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
    const name = attribute('name');
    const output = unescapeXml(/<system-out>([\s\S]*?)<\/system-out>/.exec(body ?? '')?.[1] ?? '');
    if (/<skipped message="(SKIP_|Disabled)/.test(body ?? '') || attribute('status') === 'disabled') {
      counts.skipped.push({ name, reason: skipReason(output) });
    } else if (attribute('status') === 'run') {
      counts.passed += 1;
    } else {
      counts.failed.push({ name, output: output || `status ${attribute('status')}` });
    }
  }
  return counts;
}

/** GoogleTest prints the reason of a GTEST_SKIP on the line after "file:line: Skipped". */
function skipReason(output) {
  const lines = output.split('\n');
  const at = lines.findIndex((line) => /: Skipped$/.test(line));
  return (at >= 0 && lines[at + 1]?.trim()) || 'no reason given';
}

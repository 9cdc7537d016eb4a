// The runner's counting: what it reads from TAP and JUnit decides whether a run counts as passed.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readJunit } from './run_ctest.mjs';
import { readTap, runTestFiles, whatWentWrong } from './run_node_tests.mjs';
import { runProcess } from './run_process.mjs';

test('TAP points are counted as passed, failed and skipped with the reason', () => {
  const tap = 'TAP version 13\nok 1 - one\nnot ok 2 - two\nok 3 - three # SKIP no server\nok 4 - four # SKIP\n1..4\n';
  assert.deepEqual(readTap(tap), {
    passed: 1, names: ['two'],
    skipped: [{ name: 'three', reason: 'no server' }, { name: 'four', reason: 'no reason given' }],
  });
});

test('a test with parts counts by its parts, and a failed part is one failure', () => {
  const tap = '    ok 1 - part\n    not ok 2 - other part\nnot ok 1 - whole\nok 2 - next\n';
  assert.deepEqual(readTap(tap), { passed: 2, names: ['other part'], skipped: [] });
});

test('of a file that failed the failures are shown and what it said itself, not what passed', () => {
  const tap = 'TAP version 13\n# Subtest: one\nok 1 - one\n  ---\n  duration_ms: 1\n  ...\nsaid by itself\n# Subtest: two\n    # Subtest: part\n'
    + '    ok 1 - part\n      ---\n      duration_ms: 1\n      ...\n    1..1\nnot ok 2 - two\n  ---\n  error: bad\n  ...\n1..2\n'
    + '# Error: Test "one" generated asynchronous activity\n# tests 2\n# pass 1\n';
  assert.equal(whatWentWrong(tap), 'said by itself\nnot ok 2 - two\n  ---\n  error: bad\n  ...\n# Error: Test "one" generated asynchronous activity\n');
});

test('JUnit cases are counted, and one that did not run has failed', () => {
  const xml = `<testsuite>
    <testcase name="A.Ok" status="run"><system-out>x</system-out></testcase>
    <testcase name="A.Bad" status="fail"><failure message=""/><system-out>a &lt; b</system-out></testcase>
    <testcase name="A.Lost" status="notrun"><skipped message="Unable to find executable"/></testcase>
    <testcase name="A.Off" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
      <system-out>f.cc:3: Skipped\nno server at hand\n</system-out></testcase></testsuite>`;
  const { passed, failed, skipped } = readJunit(xml);
  assert.equal(passed, 1);
  assert.deepEqual(failed.map(({ name }) => name), ['A.Bad', 'A.Lost']);
  assert.equal(failed[0].output, 'a < b');
  assert.deepEqual(skipped, [{ name: 'A.Off', reason: 'no server at hand' }]);
});

test('files run so many at a time, each once, and those that need the machine alone come last', async () => {
  const files = ['tests/chaos/a.test.mjs', 'tests/e2e/b.test.mjs', 'tests/e2e/c.test.mjs', 'tests/package/d.test.mjs', 'tests/e2e/e.test.mjs'];
  const running = new Set();
  const seen = [];
  const run = async (file) => {
    running.add(file);
    seen.push([file, running.size]);
    await new Promise((resolve) => { setImmediate(resolve); });
    running.delete(file);
    return file;
  };
  const results = await runTestFiles(files, { jobs: 2, run });
  assert.deepEqual([...results].sort(), [...files].sort());
  assert.equal(Math.max(...seen.map(([, atOnce]) => atOnce)), 2);
  assert.deepEqual(seen.slice(-2), [['tests/chaos/a.test.mjs', 1], ['tests/package/d.test.mjs', 1]]);
});

test('what waits most of its time begins at once, beside the others; what needs the machine alone waits for all', async () => {
  const files = ['tests/e2e/a.test.mjs', 'tests/e2e/b.test.mjs', 'tests/e2e/laptop.test.mjs', 'tests/e2e/rollout.test.mjs', 'tests/chaos/c.test.mjs'];
  const play = async (jobs) => {
    const begun = [];
    let end;
    const beside = new Promise((resolve) => { end = resolve; });
    const all = runTestFiles(files, { jobs, beside, run: async (file) => { begun.push(file); await new Promise((resolve) => { setImmediate(resolve); }); } });
    const atOnce = [...begun];
    for (let i = 0; i < 50; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
    const before = begun.length;
    end();
    await all;
    return { atOnce, before, last: begun.at(-1), count: begun.length };
  };
  const two = await play(2);
  assert.deepEqual(two.atOnce.sort(), ['tests/e2e/a.test.mjs', 'tests/e2e/b.test.mjs', 'tests/e2e/laptop.test.mjs']);
  assert.deepEqual([two.before, two.last, two.count], [4, 'tests/chaos/c.test.mjs', 5]);
  assert.deepEqual((await play(1)).atOnce, ['tests/e2e/a.test.mjs'], 'one at a time is one');
});

test('a command that yields to others is nicer than they are, and its code and output are its own', async () => {
  const own = Number((await runProcess('nice', [], { limitMs: 10000 })).output);
  const { code, output } = await runProcess('sh', ['-c', 'nice; exit 3'], { limitMs: 10000, yielding: true });
  assert.deepEqual([Number(output), code], [Math.min(19, own + 5), 3]);
});

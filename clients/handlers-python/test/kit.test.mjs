// The Python kit without a daemon: the protocol with a program that runs as the daemon would start it, in a locale that knows ASCII alone.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('handlers.py', import.meta.url));

/** What the program registers is read already. */
async function talk() {
  const env = { PATH: process.env.PATH, COUCHDB_URL: 'http://127.0.0.1:1/', LC_ALL: 'C', PYTHONUTF8: '0', PYTHONCOERCECLOCALE: '0', PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn('python3', [PROGRAM], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => { errors += data; });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    assert.ok(!done, `the program ended: ${errors}`);
    return JSON.parse(value);
  };
  const registered = [];
  for (let said = await next(); said[0] !== 'ready'; said = await next()) registered.push(said);
  return {
    child, next, registered, errors: () => errors,
    send: (message) => child.stdin.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`),
  };
}

const run = (doc, mode = 'safe') => ({ db: 'orders', mode, attempt: 1, attempt_key: 'k', deadline: '2030-01-01T00:00:00Z', cookie: 'AuthSession=c', doc });

async function withProgram(use) {
  const program = await talk();
  try {
    await use(program);
  } finally {
    program.child.kill('SIGKILL');
  }
}

const NO_JSON = {
  set: /^TypeError: .*set is not JSON serializable/,
  datetime: /^TypeError: .*datetime is not JSON serializable/,
  nan: /^ValueError: /,
  half: /^UnicodeEncodeError: /,
  cycle: /^ValueError: Circular/,
  text: /^TypeError: the handler gave no document but str/,
  exit: /^SystemExit: 3/,
  delay: /^TypeError: /,
  forever: /^ValueError: a delay is a number of seconds, not inf/,
  'half an error': /^ValueError: \?$/,
};

test('an answer that JSON cannot hold is that run\'s failure alone', () => withProgram(async ({ send, next, errors }) => {
  for (const [state, says] of Object.entries(NO_JSON)) {
    send(['handle', 1, run({ _id: 'a', type: 'bad', state })]);
    const [verb, number, { reason, retry_after: after }] = await next();
    assert.deepEqual([verb, number, after], ['error', 1, undefined], state);
    assert.match(reason, says);
  }
  assert.match(errors(), /Traceback/);
  send(['handle', 2, run({ _id: 'a', type: 'order', state: 'new' })]);
  assert.equal((await next())[2].state, 'accepted');
}));

test('a document whose type or state is no text, or that is as deep as documents may be, ends nothing', () => withProgram(async ({ send, next }) => {
  for (const odd of [[], {}, 5, null, true]) {
    send(['handle', 1, run({ _id: 'a', type: odd, state: 'new' })]);
    assert.deepEqual(await next(), ['save', 1, { _id: 'a', type: odd, state: 'found' }]);
    send(['handle', 2, run({ _id: 'a', type: 'order', state: odd })]);
    assert.match((await next())[2].reason, /^LookupError: no handler here/);
  }
  const deep = JSON.stringify(['handle', 3, run({ _id: 'a', type: 'order', state: 'new', deep: 'HERE' })]);
  send(`${deep.replace('"HERE"', '['.repeat(995) + ']'.repeat(995))}\n`);
  assert.equal((await next())[2].state, 'accepted');
}));

test('UTF-8 both ways whatever the locale, and numbers as they were', () => withProgram(async ({ send, next, child }) => {
  const text = 'Zoë 😀 \u2028 line';
  send(['handle', 1, run({ _id: 'a', type: 'order', state: 'new', text })]);
  assert.deepEqual(await next(), ['save', 1, { _id: 'a', type: 'order', state: 'accepted', text }]);
  const numbers = '12345678901234567890,1.0,1e-7';
  let raw = '';
  child.stdout.on('data', (data) => { raw += data; });
  send(`["handle",2,${JSON.stringify(run({ _id: 'a', type: 'order', state: 'new' })).replace('"_id"', `"n":[${numbers}],"_id"`)}]\n`);
  await next();
  assert.match(raw, /\[12345678901234567890, 1\.0, 1e-07\]/);
}));

test('what is unchanged is said so, without the document', () => withProgram(async ({ send, next }) => {
  for (const state of ['nothing', 'same', 'inside']) {
    send(['handle', 1, run({ _id: 'a', type: 'keep', state, n: 1.0 })]);
    assert.deepEqual(await next(), ['keep', 1], state);
  }
}));

test('what a handler starts has neither of the protocol\'s pipes', () => withProgram(async ({ send, next, errors }) => {
  send(['handle', 1, run({ _id: 'a', type: 'starts', state: 'new' })]);
  send(['handle', 2, run({ _id: 'b', type: 'order', state: 'new' })]);
  const answers = [await next(), await next()].sort(([, a], [, b]) => a - b);
  assert.deepEqual(answers.map(([verb, , doc]) => [verb, doc.state]), [['save', 'read 0 bytes'], ['save', 'accepted']]);
  assert.match(errors(), /printed by a child/);
}));

test('at the time limit: cancelled is set; an unsafe run that was broken off is lost, which RetryLater is not', () => withProgram(async ({ send, next, registered }) => {
  const expected = {
    saves: ['save', 1, { _id: 'a', type: 'slow', state: 'stopped' }],
    breaks: ['error', 1, { reason: 'RuntimeError: stopped', lost: true }],
    knows: ['error', 1, { reason: 'nothing was sent', retry_after: 7 }],
    safe: ['error', 1, { reason: 'RuntimeError: stopped' }],
  };
  assert.ok(registered.some(([, mode, type]) => mode === 'unsafe' && type === 'slow'));
  for (const [state, says] of Object.entries(expected)) {
    send(['handle', 1, run({ _id: 'a', type: 'slow', state }, state === 'safe' ? 'safe' : 'unsafe')]);
    send(['cancel', 1]);
    const both = [await next(), await next()].sort(([a], [b]) => Number(a === 'log') - Number(b === 'log'));
    assert.deepEqual(both, [says, ['log', 'run 1 is at its time limit', { level: 'debug' }]], state);
  }
  // One that nobody has in hand.
  send(['cancel', 77]);
  send(['handle', 2, run({ _id: 'b', type: 'order', state: 'new' })]);
  assert.equal((await next())[1], 2);
}));

test('the end of standard input is the program\'s end, whatever still runs', () => withProgram(async ({ send, child }) => {
  send(['handle', 1, run({ _id: 'a', type: 'slow', state: 'saves' }, 'unsafe')]);
  child.stdin.end();
  const code = await new Promise((resolve) => { child.once('exit', resolve); });
  assert.equal(code, 0);
}));

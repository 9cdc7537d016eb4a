// Waiting, by a clock that the tests set.

import { afterEach, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Wait, backoff, watchWorld } from '../lib/timing.js';

const TICK_MS = 15000;
const real = { now: Date.now, setInterval, clearInterval, random: Math.random, addEventListener: globalThis.addEventListener, removeEventListener: globalThis.removeEventListener, document: globalThis.document };
let now;
let tick;        // the one interval that is set
let listeners;   // of the page and its document

function listening() {
  return {
    addEventListener: (event, listener) => { listeners[event] = listener; },
    removeEventListener: (event, listener) => { if (listeners[event] === listener) delete listeners[event]; },
  };
}

beforeEach(() => {
  [now, tick, listeners] = [1e12, null, {}];
  Date.now = () => now;
  globalThis.setInterval = (fn, ms) => {
    assert.equal(ms, TICK_MS);
    tick = fn;
    return { unref() {} };
  };
  globalThis.clearInterval = () => { tick = null; };
  Object.assign(globalThis, listening(), { document: { visibilityState: 'visible', ...listening() } });
});

afterEach(() => {
  Date.now = real.now;
  Math.random = real.random;
  for (const name of ['setInterval', 'clearInterval', 'addEventListener', 'removeEventListener', 'document']) {
    if (real[name] === undefined) delete globalThis[name];
    else globalThis[name] = real[name];
  }
});

/** The clock goes on, and the interval fires when it has. */
function pass(ms) {
  now += ms;
  tick();
}

test('delays grow from a second to five minutes, each spread by a quarter to both sides', () => {
  const bounds = Array.from({ length: 12 }, (_, n) => [0, 0.999999].map((chance) => {
    Math.random = () => chance;
    return backoff(n + 1);
  }));
  const middles = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((seconds) => seconds * 1000);
  for (const [n, [least, most]] of bounds.entries()) {
    assert.equal(least, middles[n] * 0.75);
    assert.ok(most > middles[n] * 1.24 && most < middles[n] * 1.25, `${most}`);
  }
  assert.equal(backoff(5000) <= 375000, true, 'however often');
});

test('a timer that comes more than 45 s late means that the machine slept', () => {
  const kicks = [];
  watchWorld((why) => kicks.push(why));
  for (let n = 0; n < 10; n += 1) pass(TICK_MS);
  pass(45000);
  assert.deepEqual(kicks, [], 'a busy page is late, too');
  pass(45001);
  assert.deepEqual(kicks, ['sleep']);
  pass(TICK_MS);
  assert.deepEqual(kicks, ['sleep'], 'once');
});

test('the network is back, or the page is looked at again after a while', () => {
  const kicks = [];
  const end = watchWorld((why) => kicks.push(why));
  listeners.online();
  assert.deepEqual(kicks, ['online']);
  now += 2 * TICK_MS;
  listeners.visibilitychange();
  assert.deepEqual(kicks, ['online'], 'timers ran meanwhile');
  now += 1;
  document.visibilityState = 'hidden';
  listeners.visibilitychange();
  assert.deepEqual(kicks, ['online']);
  document.visibilityState = 'visible';
  listeners.visibilitychange();
  assert.deepEqual(kicks, ['online', 'shown']);
  end();
  assert.deepEqual([tick, listeners], [null, {}]);
});

test('a wait ends early when it is woken, and at once when it has ended', async () => {
  const wait = new Wait();
  let over = false;
  const waiting = wait.for(3600000).then(() => { over = true; });
  await Promise.resolve();
  assert.equal(over, false);
  wait.wake();
  await waiting;
  const last = wait.for(3600000);
  wait.end();
  await last;
  await wait.for(3600000);
});

// The kit without a daemon: the harness, and the protocol on two streams.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { tryOut } from '../harness.mjs';
import { Session } from '../session.mjs';
import { Table } from '../table.mjs';

const order = { _id: 'a', _rev: '1-x', type: 'order', state: 'new' };

test('the harness says what would be saved', async () => {
  const table = new Table()
    .safe('order', 'new', (doc) => ({ ...doc, state: 'accepted' }))
    .unsafe('order', 'paid', async (doc, ctx) => { await ctx.couch.ping(); return { ...doc, state: `shipped ${ctx.attempt} ${ctx.attemptKey}` }; })
    .safe('order', '*', () => {})
    .safe('*', 'wait', (doc, ctx) => ctx.retryLater(60, 'no stock'))
    .safe('odd', '*', () => { throw new Error('odd'); })
    .safe('odder', '*', () => 'text');
  assert.deepEqual(await tryOut(order, { table }), { mode: 'safe', doc: { ...order, state: 'accepted' }, changed: true });
  const pings = [];
  const { doc, mode } = await tryOut({ ...order, state: 'paid' }, { table, attempt: 3, attemptKey: 'k', couch: { ping: async () => pings.push(1) } });
  assert.equal(doc.state, 'shipped 3 k');
  assert.equal(mode, 'unsafe');
  assert.equal(pings.length, 1);
  assert.match((await tryOut({ ...order, state: 'paid' }, { table })).error.reason, /give the harness one/);
  assert.equal((await tryOut({ ...order, state: 'other' }, { table })).changed, false);
  assert.deepEqual((await tryOut({ _id: 'b', type: 'x', state: 'wait' }, { table })).error, { reason: 'no stock', retry_after: 60 });
  assert.equal((await tryOut({ type: 'odd', state: 'a' }, { table })).error.reason, 'odd');
  assert.match((await tryOut({ type: 'odder', state: 'a' }, { table })).error.reason, /gave no document/);
  assert.equal(await tryOut({ type: 'x', state: 'y' }, { table }), null);
});

test('a handler cannot change the document that it was given by accident', async () => {
  const table = new Table().safe('order', 'new', (doc) => { doc.state = 'changed'; });
  const { doc, changed } = await tryOut(order, { table });
  assert.equal(changed, false);
  assert.equal(doc.state, 'new');
});

test('wrong registrations are refused at once', () => {
  const table = new Table().safe('order', 'new', () => {});
  assert.throws(() => table.unsafe('order', 'new', () => {}), /already/);
  assert.throws(() => table.safe('order', '', () => {}), /both strings/);
  assert.throws(() => table.safe('order', 'paid'), /no function/);
  assert.throws(() => table.unsafe('order', 'paid', () => {}, { onLost: 'twice' }), /onLost/);
});

function talk(table) {
  const input = new PassThrough();
  const output = new PassThrough();
  new Session({ table, input, output, couchWith: (cookie) => ({ cookie }) }).run();
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  return {
    send: (message) => input.write(`${JSON.stringify(message)}\n`),
    next: async () => JSON.parse((await lines.next()).value),
  };
}

const run = (doc) => ({ db: 'orders', mode: 'safe', attempt: 1, attempt_key: 'k', deadline: '2030-01-01T00:00:00Z', cookie: 'AuthSession=c', doc });

test('the protocol: registers, answers by number in any order, obeys cancel, reports errors with their place', async () => {
  const table = new Table()
    .safe('order', 'new', (doc, ctx) => ({ ...doc, state: ctx.couch.cookie }))
    .unsafe('order', 'slow', (doc, { signal }) => new Promise((resolve) => { signal.addEventListener('abort', () => resolve({ ...doc, state: 'stopped' })); }), { onLost: 'retry' })
    .safe('order', 'deaf', () => new Promise(() => {}))
    .safe('order', 'bad', () => { throw new Error('no such luck'); });
  const { send, next } = talk(table);
  assert.deepEqual(await next(), ['register', 'safe', 'order', 'new']);
  assert.deepEqual(await next(), ['register', 'unsafe', 'order', 'slow', { on_lost: 'retry' }]);
  assert.deepEqual(await next(), ['register', 'safe', 'order', 'deaf']);
  assert.deepEqual(await next(), ['register', 'safe', 'order', 'bad']);
  assert.deepEqual(await next(), ['ready']);
  send(['handle', 1, run({ ...order, state: 'deaf' })]);
  send(['handle', 2, run(order)]);
  assert.deepEqual(await next(), ['save', 2, { ...order, state: 'AuthSession=c' }]);
  send(['cancel', 1]);
  send(['cancel', 77]);
  // Whether a deaf one has acted nobody knows: the daemon gives it up. The line says that the program is alive.
  assert.deepEqual(await next(), ['log', 'run 1 is at its time limit', { level: 'debug' }]);
  send(['handle', 3, run({ ...order, state: 'bad' })]);
  assert.match((await next())[1], /Error: no such luck\n.*kit\.test\.mjs:\d+/);
  assert.deepEqual(await next(), ['error', 3, { reason: 'no such luck' }]);
  send(['handle', 4, run({ ...order, state: 'unknown' })]);
  assert.match((await next())[2].reason, /no handler here for order, unknown/);
});

const cycle = () => { const doc = { ...order, state: 'b' }; doc.self = doc; return doc; };
const NO_JSON = {
  'a BigInt': [() => ({ ...order, n: 1n }), /BigInt/],
  'a cycle': [cycle, /circular/],
  'a text by toJSON': [() => ({ toJSON: () => 'text' }), /gave no document/],
  'an array': [() => [order], /gave no document/],
  'half a character': [() => ({ ...order, text: '😀'.slice(0, 1) }), /cut within a character/],
  'an error that is half a character': [() => { throw new Error('😀'.slice(1)); }, /^\ufffd$/],
  'an error without words': [() => { throw Object.create(null); }, /no words/],
  'nothing thrown': [() => { throw undefined; }, /undefined/],  // eslint-disable-line no-throw-literal
  'a delay that is none': [(doc, ctx) => ctx.retryLater(5n, Symbol('why')), /why/],
};

test('an answer that JSON cannot hold is that run\'s failure alone, also in the harness', async () => {
  const table = new Table().safe('order', 'new', (doc) => ({ ...doc, state: 'accepted' }));
  for (const [name, [handler]] of Object.entries(NO_JSON)) table.safe('order', name, handler);
  const { send, next } = talk(table);
  for (let n = 0; n < 2 + Object.keys(NO_JSON).length; n += 1) await next();
  for (const [name, [, says]] of Object.entries(NO_JSON)) {
    const doc = { ...order, state: name };
    send(['handle', 1, run(doc)]);
    let said = await next();
    while (said[0] === 'log') said = await next();
    assert.deepEqual(said.slice(0, 2), ['error', 1], name);
    assert.match(said[2].reason, says, name);
    if (name !== 'an error that is half a character') assert.match((await tryOut(doc, { table })).error.reason, says, name);
  }
  // Whole characters, and what only looks like half of one.
  const whole = { ...order, text: '😀 \\ud83d \\\\ud83d' };
  send(['handle', 2, run(whole)]);
  assert.deepEqual(await next(), ['save', 2, { ...whole, state: 'accepted' }]);
});

test('what is unchanged is said so, without the document: numbers that JavaScript cannot hold stay as they are', async () => {
  const { send, next } = talk(new Table().safe('order', 'new', () => {}).safe('order', 'same', (doc) => doc));
  for (let n = 0; n < 3; n += 1) await next();
  send(['handle', 1, run(order)]);
  assert.deepEqual(await next(), ['keep', 1]);
  send(['handle', 2, run({ ...order, state: 'same' })]);
  assert.deepEqual(await next(), ['keep', 2]);
});

test('at the time limit: the handler may still answer; an unsafe one that was broken off is lost, which retryLater is not', async () => {
  const ended = ({ signal }) => new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  const table = new Table()
    .unsafe('order', 'saves', async (doc, ctx) => { await ended(ctx); return { ...doc, state: 'stopped' }; })
    .unsafe('order', 'breaks', async (doc, ctx) => { await ended(ctx); throw ctx.signal.reason; })
    .unsafe('order', 'knows', async (doc, ctx) => { await ended(ctx); ctx.retryLater(7, 'nothing was sent'); })
    .safe('order', 'safe', async (doc, ctx) => { await ended(ctx); throw ctx.signal.reason; });
  const { send, next } = talk(table);
  for (let n = 0; n < 5; n += 1) await next();
  const answers = async (state) => {
    send(['handle', 1, run({ ...order, state })]);
    send(['cancel', 1]);
    let said = await next();
    while (said[0] === 'log') said = await next();
    return said;
  };
  assert.deepEqual(await answers('saves'), ['save', 1, { ...order, state: 'stopped' }]);
  assert.deepEqual(await answers('breaks'), ['error', 1, { reason: 'the time limit is over', lost: true }]);
  assert.deepEqual(await answers('knows'), ['error', 1, { reason: 'nothing was sent', retry_after: 7 }]);
  assert.deepEqual(await answers('safe'), ['error', 1, { reason: 'the time limit is over' }]);
});

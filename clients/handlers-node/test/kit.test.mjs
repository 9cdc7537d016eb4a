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
  const [verb, text, { level }] = await next();
  assert.deepEqual([verb, level], ['log', 'error']);
  assert.match(text, /^a in orders: Error: the time limit is over/);
  assert.deepEqual(await next(), ['error', 1, { reason: 'the time limit is over' }]);
  send(['handle', 3, run({ ...order, state: 'bad' })]);
  assert.match((await next())[1], /Error: no such luck\n.*kit\.test\.mjs:\d+/);
  assert.deepEqual(await next(), ['error', 3, { reason: 'no such luck' }]);
  send(['handle', 4, run({ ...order, state: 'unknown' })]);
  assert.match((await next())[2].reason, /no handler here for order, unknown/);
});

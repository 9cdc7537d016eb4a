// The short form of the chaos test (main.mjs is the long one): 40 devices, two kill -9, one of them at the moment of
// a mail, a pause beyond the lease, one kill and start of the server, and a dead worker's share taken over.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { serverKind } from '../lib/couch_server.mjs';
import { planText, shortPlan } from './plan.mjs';
import { runChaos } from './run.mjs';

test('killed, paused, and without its server for a while, the daemons lose nothing and repeat no more than they may', async (t) => {
  if (serverKind({ own: true }) === 'external') return t.skip('needs a server that it may kill');
  const seed = Number(process.env.CHANNELS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const plan = shortPlan(seed);
  const notes = [`CHANNELS_SEED=${seed}`, planText(plan)];
  const { figures, wrong, output } = await runChaos({
    quiet: { devices: 10, seconds: 4 }, devices: 30, seconds: 20, plan, finaleAt: 24, settle: 100, say: (text) => notes.push(text),
  });
  notes.push(JSON.stringify(figures));
  t.diagnostic(notes.join('\n'));
  assert.deepEqual(wrong, [], `${notes.join('\n')}\n${output}`);
  assert.ok(figures.repeats >= 1, 'the run that was cut off at its mail was run again');
});

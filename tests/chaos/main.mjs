// The chaos test: real daemons, a real server, real mail, and kill -9, SIGSTOP and server restarts by seed.
//   node tests/chaos/main.mjs [--devices 500] [--minutes 5] [--seed N] [--log FILE]
// A fifth of devices and time goes without faults first. Prints its seed, its plan, what it does and when, figures,
// and what is wrong; the exit code is 1 if anything is. The plan is the seed's; who is where in his work
// when something strikes is chance, so that a seed is run again to find something again, not to replay it.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serverKind } from '../lib/couch_server.mjs';
import { longPlan, planText } from './plan.mjs';
import { runChaos } from './run.mjs';

const { values } = parseArgs({ options: {
  devices: { type: 'string', default: '500' },
  minutes: { type: 'string', default: '5' },
  seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  log: { type: 'string' },
} });
const devices = Number(values.devices);
const seconds = Number(values.minutes) * 60;
const quiet = { devices: Math.ceil(devices / 5), seconds: seconds / 5 };

if (serverKind({ own: true }) === 'external') {
  console.log('skipped: the server that COUCHDB_URL names is not ours to kill');
} else {
  const plan = longPlan(Number(values.seed), seconds * 0.8);
  console.log(`chaos: ${devices} devices, ${values.minutes} minutes, --seed ${values.seed}\n${planText(plan)}`);
  const { figures, wrong, output } = await runChaos({
    quiet, devices: devices - quiet.devices, seconds: seconds * 0.8, plan, settle: 300, say: console.log,
  });
  console.log(JSON.stringify(figures, null, 2));
  if (values.log) writeFileSync(values.log, output);
  for (const text of wrong) console.log(`WRONG: ${text}`);
  console.log(wrong.length === 0 ? 'all is as it should be' : `${wrong.length} wrong; again with --seed ${values.seed}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

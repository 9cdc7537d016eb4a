// Carries a plan out (plan.mjs) on a fleet and its server.

import { setTimeout as sleep } from 'node:timers/promises';

const MAIL_LIMIT_MS = 10000;  // an aimed step for which no mail comes strikes without one

/** Answers when all lanes are at their end. `say` is told each step. */
export function runFaults({ fleet, server, plan, say }) {
  return Promise.all(Object.values(plan).map(async (steps) => {
    for (const step of steps) {
      await sleep(step.after * 1000);
      await (step.kind === 'server' ? restartServer(fleet, server, step, say) : strikeWorker(fleet, step, say));
    }
  }));
}

async function strikeWorker(fleet, step, say) {
  const { kind, lasts, pick } = step;
  let event = null;
  const strike = (number, aimed) => {
    if (!fleet.isUp(number)) return false;
    event = kind === 'kill' ? fleet.kill(number, { aimed }) : fleet.stop(number, kind, { aimed });
    return true;
  };
  if (step.aimed) await fleet.post.atNextMail(({ daemon }) => strike(daemon, true), MAIL_LIMIT_MS);
  if (!event) strike(fleet.pick(pick), false);
  say(`${kind} daemon ${event.daemon} for ${lasts} s${event.aimed ? ', at a mail' : ''}`);
  await sleep(lasts * 1000);
  await fleet.revive(event);
}

async function restartServer(fleet, server, { lasts, aimed }, say) {
  const event = { kind: 'server', from: 0, to: Infinity, aimed: false };
  let killed = null;
  const strike = () => {
    event.from = Date.now();
    killed = server.kill();
    return true;
  };
  if (aimed) event.aimed = await fleet.post.atNextMail(strike, MAIL_LIMIT_MS);
  if (!killed) strike();
  fleet.events.push(event);
  say(`kill the server for ${lasts} s${event.aimed ? ', at a mail' : ''}`);
  await killed;
  await sleep(lasts * 1000);
  await server.start();
  event.to = Date.now();
  say(`the server is back after ${((event.to - event.from) / 1000).toFixed(1)} s`);
}

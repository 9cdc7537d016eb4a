// Requests to a server that is killed now and then: made again until there is an answer that is one.

import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 500;

/** `call` makes one request; answers the first answer that is no sign of a server that is away. */
export async function patiently(call, { until = Date.now() + 120000 } = {}) {
  for (;;) {
    try {
      const answer = await call();
      if (answer.status < 500 && answer.status !== 429) return answer;
      if (Date.now() > until) throw new Error(`${answer.status} ${answer.text}`);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await sleep(LOOK_MS);
  }
}

/**
 * Calls `look` until it gives something truthy; what it throws counts as "not yet". `until()` gives the time at
 * which there is no more hope, and may change its mind. `what` names it then.
 */
export async function seen(look, what, { until, interval = LOOK_MS }) {
  for (let last; ;) {
    try {
      const value = await look();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until()) throw new Error(`${what} did not come`, { cause: last });
    await sleep(interval);
  }
}

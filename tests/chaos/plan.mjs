// What will go wrong in a run, drawn from its seed before anything starts. Pure: the same seed and size give the
// same plan. faults.mjs carries it out.
//
// A plan has three lanes that run beside each other, each one thing after the other, so that of three daemons one
// is always up: `workers` (kill -9, and pauses shorter than a lease), `pauses` (SIGSTOP for longer than a lease),
// `server` (kill -9 of CouchDB and its start). A step: {after, kind, lasts, pick, aimed}: seconds since the lane's
// step before, seconds that it lasts, which of the daemons that are up (0 to 1), and whether it waits for the
// moment at which a mail has reached the mail server and its sender does not know it yet; that sender is then the one.

export const LEASE = 30;  // seconds; the least that [channels] lease may be

/** Numbers in [0, 1) by seed (mulberry32). */
export function chances(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Faults all through `seconds`. */
export function longPlan(seed, seconds) {
  const draw = drawing(seed);
  return {
    workers: lane(seconds, () => (draw.chance() < 0.3
      ? draw.step('blink', [6, 14], [2, 20])
      : draw.step('kill', [6, 16], [0, 12]))),
    pauses: lane(seconds, () => draw.step('pause', [8, 25], [45, 60])),
    server: lane(seconds, () => draw.step('server', [25, 60], [0.5, 6])),
  };
}

/** One of each kind, within about 25 seconds and a pause's length. */
export function shortPlan(seed) {
  const draw = drawing(seed);
  return {
    workers: [draw.step('kill', [2, 5], [1, 4])],
    server: [draw.step('server', [9, 12], [0.5, 2])],
    pauses: [draw.step('pause', [16, 18], [42, 45])],
  };
}

function drawing(seed) {
  const chance = chances(seed);
  const between = ([least, most]) => Math.round((least + (most - least) * chance()) * 10) / 10;
  const step = (kind, after, lasts) =>
    ({ after: between(after), kind, lasts: between(lasts), pick: chance(), aimed: chance() < 0.5 });
  return { chance, step };
}

function lane(seconds, next) {
  const steps = [];
  for (let time = 0; ;) {
    const step = next();
    time += step.after;
    if (time >= seconds) return steps;
    steps.push(step);
    time += step.lasts;
  }
}

export function planText(plan) {
  return Object.entries(plan).map(([name, steps]) =>
    `  ${name}: ${steps.map(({ after, kind, lasts, aimed }) => `+${after} ${kind} ${lasts}${aimed ? ' (at a mail)' : ''}`).join(', ')}`).join('\n');
}

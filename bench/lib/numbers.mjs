// Sorting samples into figures, and figures into rows of a table.

export function percentile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function rounded(number, digits = 3) {
  return number === undefined || number === null ? number : Number(number.toPrecision(digits));
}

/**
 * A row of the results: `goal` is for people, `met` says whether it holds (undefined: it is only reported).
 * `ours` and `bare` are numbers in `unit`.
 */
export function row({ what, unit, ours, bare, ratio, goal = 'reported', met, ...more }) {
  return { what, unit, ours: rounded(ours), bare: rounded(bare), ratio: Number.isFinite(ratio) ? rounded(ratio) : undefined, goal, met, ...more };
}

export function print({ what, unit, ours, bare, ratio, goal, met }) {
  const cells = [`${what}:`, `ours ${ours} ${unit}`];
  if (bare !== undefined) cells.push(`bare ${bare} ${unit}`);
  if (ratio !== undefined) cells.push(`ratio ${ratio}`);
  cells.push(`goal: ${goal}`);
  if (met !== undefined) cells.push(met ? 'met' : 'NOT MET');
  console.log(`  ${cells.join(' · ')}`);
}

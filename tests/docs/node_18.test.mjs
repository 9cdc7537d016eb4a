// JavaScript runs on Node 18, Debian 12's own: nothing that came later is used, on whichever Node the tests run.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

// Methods and functions of Node 19 to 24 by name. What has a word that others use too (Set's union, an Array's with) is missing here.
const LATER = new RegExp([
  /\.to(Sorted|Reversed|Spliced)\(/, /\.(isWellFormed|toWellFormed|getOrInsert)\(/, /\b(Object|Map)\.groupBy\(/,
  /\bPromise\.(withResolvers|try)\(/, /\bArray\.fromAsync\(/, /\.(isSubsetOf|isSupersetOf|isDisjointFrom|symmetricDifference)\(/,
  /\bimport\.meta\.(dirname|filename)\b/, /\bAbortSignal\.any\(/, /\b(Error\.isError|RegExp\.escape|URL\.parse)\(/,
  /'node:(sqlite|sea)'/, /\bprocess\.(loadEnvFile|getBuiltinModule)\b/, /\b(globSync|styleText)\(/, /\bmock\.module\(/,
].map(({ source }) => source).join('|'), 'g');

function* scripts(folder) {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !/^(node_modules|build.*|\..*)$/.test(entry.name)) yield* scripts(path);
    else if (/\.(m?js|cjs)$/.test(entry.name)) yield path;
  }
}

const found = (text) => [...text.matchAll(LATER)].map(([name]) => name);

test('no script uses what Node 18 has not', () => {
  const files = [...scripts('')];
  assert.ok(files.length > 200, `${files.length} files`);
  assert.deepEqual(files.filter((file) => !file.endsWith('node_18.test.mjs')).flatMap((file) => found(readFileSync(join(ROOT, file), 'utf8')).map((name) => `${file}: ${name}`)), []);
});

test('and it would be seen', () => {
  assert.deepEqual(found('[...a].sort(); a.toSorted(); Object.groupBy(a, f); import.meta.dirname'), ['.toSorted(', 'Object.groupBy(', 'import.meta.dirname']);
});

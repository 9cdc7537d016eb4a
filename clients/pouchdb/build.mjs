// Makes dist/pouchdb-channels.js, which a plain page loads after PouchDB: it is plugged in by itself. `npm pack` calls this;
// `node build.mjs [FILE]` writes it elsewhere.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

const HERE = fileURLToPath(new URL('.', import.meta.url));

function esbuild() {
  for (const from of [import.meta.url, new URL('../../tests/package.json', import.meta.url)]) {
    try {
      return createRequire(from)('esbuild');
    } catch {
      // the next place
    }
  }
  throw new Error('esbuild is missing: npm ci in tests/, or npm install esbuild here');
}

/** Builds the browser bundle; gives {outputs} as esbuild's metafile does, for who wants to know its size. */
export async function buildBundle(file = resolve(HERE, 'dist/pouchdb-channels.js')) {
  const { metafile } = await esbuild().build({
    entryPoints: [resolve(HERE, 'browser.js')],
    outfile: file,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'iife',
    platform: 'browser',
    target: ['es2022'],
    external: ['node:crypto'],  // never asked for where there is a browser
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { outputs } = await buildBundle(process.argv[2] && resolve(process.argv[2]));
  for (const [name, { bytes }] of Object.entries(outputs)) if (name.endsWith('.js')) console.log(`${name}: ${bytes} bytes`);
}

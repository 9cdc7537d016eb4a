#!/usr/bin/env node
// Copies the template into a new folder: npx couchdb-channels-handlers FOLDER

import { cpSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: create-channels-handlers FOLDER');
  process.exit(2);
}
if (existsSync(folder)) {
  console.error(`${folder} is there already`);
  process.exit(1);
}
cpSync(fileURLToPath(new URL('template', import.meta.url)), folder, { recursive: true });
// From a checkout the kit is its own folder; a registry need not have it.
const kit = fileURLToPath(new URL('.', import.meta.url));
const install = kit.includes('node_modules') ? 'npm install' : `npm install --install-links ${kit}`;
console.log(`${folder} is there. Next:\n  cd ${folder} && ${install} && npm test`);

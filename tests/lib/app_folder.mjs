// A folder as an app developer has it: the handlers kit installed, and what it and the app need, from this folder's own packages.

import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const KIT = fileURLToPath(new URL('../../clients/handlers-node', import.meta.url));
const PACKAGES = fileURLToPath(new URL('../node_modules', import.meta.url));

/** `source`: a folder of files for it. Give it to rmSync at the end. */
export function appFolder(source, packages = ['nano']) {
  const folder = mkdtempSync(join(tmpdir(), 'channels-app-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  cpSync(KIT, join(modules, 'couchdb-channels-handlers'), { recursive: true });
  for (const name of packages) symlinkSync(join(PACKAGES, name), join(modules, name));
  cpSync(source, folder, { recursive: true });
  return folder;
}

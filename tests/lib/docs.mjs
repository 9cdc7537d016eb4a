// What the docs tell people to type or to copy, for tests that do so.

import { readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

export const readDoc = (name) => readFileSync(new URL(`docs/${name}`, ROOT), 'utf8');

/** The text of the one fenced block in that language. */
export function fencedBlock(doc, language) {
  const blocks = [...doc.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language);
  if (blocks.length !== 1) throw new Error(`${blocks.length} blocks in ${language}, and not one`);
  return blocks[0][2];
}

/** The lines of the indented block that has a line beginning with `command`. */
export function commandsWith(doc, command) {
  const block = doc.split(/\n(?! {4})/).map((part) => part.split('\n').filter((line) => line.startsWith('    ')).map((line) => line.trim()))
    .find((lines) => lines.some((line) => line.startsWith(command)));
  if (!block) throw new Error(`no command "${command}"`);
  return block;
}

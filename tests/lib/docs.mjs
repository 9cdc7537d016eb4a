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

/** The text of the indented block that begins with that line, without its indentation. */
export function indentedBlock(doc, firstLine) {
  const lines = doc.split('\n');
  const at = lines.findIndex((line) => line.trim() === firstLine && line.startsWith('    '));
  if (at < 0) throw new Error(`no block begins with "${firstLine}"`);
  const indent = /^ */.exec(lines[at])[0];
  const rest = lines.slice(at);
  const end = rest.findIndex((line) => line !== '' && !line.startsWith(indent));
  return `${rest.slice(0, end < 0 ? undefined : end).map((line) => line.slice(indent.length)).join('\n').trim()}\n`;
}

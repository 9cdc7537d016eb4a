// Puts the figures of build/bench/results.json into docs/performance.md, between its markers, and draws
// docs/performance.svg: node bench/tables.mjs [--build DIR]. The words around them are written by hand.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { build: { type: 'string' } } });
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const results = JSON.parse(readFileSync(join(resolve(values.build ?? join(ROOT, 'build')), 'bench/results.json'), 'utf8'));
const PAGE = join(ROOT, 'docs/performance.md');

function verdict(met) {
  if (met === undefined) return '';
  return met ? 'met' : '**not met**';
}

function table({ rows, machine, quick }) {
  const lines = rows.map(({ what, unit, ours, bare = '', ratio, goal, met, more_ms: more }) =>
    `| ${what} | ${ours} ${unit} | ${bare === '' ? '' : `${bare} ${unit}`} | ${more === undefined ? ratio ?? '' : `${more > 0 ? '+' : ''}${more} ms`} | ${goal} | ${verdict(met)} |`);
  const where = `${machine.server}, ${machine.cores} cores (${machine.cpu}), ${machine.memory_gb} GB, ${machine.date}${quick ? ', a quick run' : ''}`;
  return ['| measured | ours | bare | ratio | goal | |', '| --- | --- | --- | --- | --- | --- |', ...lines, '', `*${where}*`].join('\n');
}

function eventsTable({ detail }) {
  const lines = detail.table.map(({ databases, events, cpu_ms: cpu, requests, server_cpu_ms: server }) =>
    `| ${databases} | ${events} | ${cpu} ms | ${requests} | ${server ?? ''} ms |`);
  return ['![CPU of the engine for one event, by the number of sleeping databases](performance.svg)', '',
    '| databases asleep | events | CPU of the engine an event | requests an event | CPU of CouchDB an event |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
}

function fill(page, name, text) {
  const [from, to] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [start, end] = [page.indexOf(from), page.indexOf(to)];
  if (start < 0 || end < start) {
    console.log(`docs/performance.md has no place for ${name}: its figures are described elsewhere`);
    return page;
  }
  return `${page.slice(0, start + from.length)}\n${text}\n${page.slice(end)}`;
}

// --- The plot: two lines over the number of sleeping databases, drawn on axes that begin at zero.

const [WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM] = [640, 320, 60, 40, 20, 50];

function plot({ detail: { table: points } }) {
  const most = Math.max(...points.map(({ cpu_ms: cpu }) => cpu)) * 1.4;
  const farthest = points.at(-1).databases;
  const x = (databases) => (LEFT + (WIDTH - LEFT - RIGHT) * databases / farthest).toFixed(1);
  const y = (ms) => (HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ms / most).toFixed(1);
  const line = points.map(({ databases, cpu_ms: cpu }) => `${x(databases)},${y(cpu)}`).join(' ');
  const across = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most).map((ms) =>
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(ms)}" y2="${y(ms)}" stroke="#ddd"/><text x="${LEFT - 8}" y="${Number(y(ms)) + 4}" text-anchor="end">${ms.toFixed(2)}</text>`);
  const below = points.map(({ databases }) => `<text x="${x(databases)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${databases}</text>`);
  const dots = points.map(({ databases, cpu_ms: cpu }) => `<circle cx="${x(databases)}" cy="${y(cpu)}" r="3.5" fill="#c0392b"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img">
<title>CPU of the engine for one event, by the number of sleeping databases</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="14">CPU of the engine for one event (ms), by the number of sleeping databases</text>
${[...across, ...below].join('\n')}
<polyline points="${line}" fill="none" stroke="#c0392b" stroke-width="2"/>
${dots.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">databases asleep</text>
</svg>
`;
}

let page = readFileSync(PAGE, 'utf8');
for (const [name, result] of Object.entries(results)) page = fill(page, name, table(result));
if (results.events) {
  page = fill(page, 'cost per event', eventsTable(results.events));
  writeFileSync(join(ROOT, 'docs/performance.svg'), plot(results.events));
}
writeFileSync(PAGE, page);
console.log('docs/performance.md and docs/performance.svg have the figures');

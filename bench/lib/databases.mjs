// Filling databases for measurements. Documents have about 250 bytes unless asked for more, and ids in order, as
// CouchDB's own uuids are; digests as ids (devices have those) cost any client about twice the time.

import { createHash, randomBytes } from 'node:crypto';

const AT_ONCE = 8;

export function newTag() {
  return `b${randomBytes(4).toString('hex')}`;
}

export function jobDocument(n, { bytes = 150, digests = false } = {}) {
  const text = 'a document that waits for its handler '.repeat(Math.ceil(bytes / 38)).slice(0, bytes);
  const id = digests ? createHash('sha256').update(`job ${n}`).digest('hex').slice(0, 32) : n.toString(16).padStart(32, '0');
  return { _id: id, type: 'job', state: 'new', number: n, text };
}

async function ok(server, path, options) {
  const { status, text, body } = await server.request(path, { timeout: 120000, ...options });
  if (status > 299) throw new Error(`${options?.method ?? 'GET'} ${path}: ${status} ${text}`);
  return body;
}

/** Runs `job(item)` for every item, `atOnce` at a time. */
export async function forEach(items, job, atOnce = AT_ONCE) {
  const iterator = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await job(next.value);
  }));
}

export function* numbersTo(count, step = 1) {
  for (let n = 0; n < count; n += step) yield n;
}

export async function makeDatabase(server, name) {
  await ok(server, `/${name}?q=1`, { method: 'PUT' });
  return name;
}

export async function fill(server, name, count, { batch = 1000, from = 0, atOnce = 3, ...form } = {}) {
  await forEach(numbersTo(count, batch), async (first) => {
    const docs = Array.from({ length: Math.min(batch, count - first) }, (_, n) => jobDocument(from + first + n, form));
    await ok(server, `/${name}/_bulk_docs`, { method: 'POST', body: { docs } });
  }, atOnce);
}

/** A new database with `count` jobs. */
export async function filledDatabase(server, name, count, options) {
  await makeDatabase(server, name);
  await fill(server, name, count, options);
  return name;
}

export async function removeDatabases(server, names) {
  await forEach(names, (name) => ok(server, `/${name}`, { method: 'DELETE' }));
}

export async function putJob(server, database, n) {
  await ok(server, `/${database}`, { method: 'POST', body: jobDocument(n) });
}

/** The update_seq of each, in the order of names. */
export async function updateSeqs(server, names) {
  const seqs = [];
  for (let at = 0; at < names.length; at += 100) {
    const infos = await ok(server, '/_dbs_info', { method: 'POST', body: { keys: names.slice(at, at + 100) } });
    seqs.push(...infos.map(({ info }) => info.update_seq));
  }
  return seqs;
}

/** How many jobs are done: for a check that the measured work was really done. */
export async function countDone(server, name) {
  const { rows } = await ok(server, `/${name}/_all_docs?include_docs=true`);
  return rows.filter(({ doc }) => doc.state === 'done').length;
}

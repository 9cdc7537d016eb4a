// POST /db/_purge. PouchDB cannot purge in these adapters, so the document is taken out of its LevelDB
// and the leaves that were not named are put back, with their history, as CouchDB would leave them.

import { badRequest } from './errors.mjs';

const DOCUMENTS_MAX = 100;   // [purge] max_document_id_number
const REVISIONS_MAX = 1000;  // [purge] max_revisions_number
const storeKey = (store, key) => `\xff${store}\xff${key}`;
const seqKey = (seq) => String(seq).padStart(16, '0');

export async function purgeRoute(exchange, database) {
  const asked = Object.entries(await exchange.jsonObject());
  if (asked.some(([, revs]) => !Array.isArray(revs))) throw badRequest('Invalid list of revisions');
  if (asked.length > DOCUMENTS_MAX) throw badRequest('Exceeded maximum number of documents.');
  if (asked.reduce((count, [, revs]) => count + revs.length, 0) > REVISIONS_MAX) {
    throw badRequest('Exceeded maximum number of revisions.');
  }
  const purged = {};
  await database.exclusively(async () => {
    for (const [id, revs] of asked) purged[id] = await purgeLeaves(database, id, revs);
    await database.countPurge();
    await database.changed();
  });
  exchange.send(201, { purge_seq: null, purged });
}

async function purgeLeaves(database, id, revs) {
  const before = await database.tree(id);
  const leaves = before.leaves().map((leaf) => leaf.rev);
  const doomed = leaves.filter((rev) => revs.includes(rev));
  if (doomed.length === 0) return [];
  const kept = await Promise.all(leaves.filter((rev) => !doomed.includes(rev))
    .map((rev) => database.read(id, { rev, revs: true, attachments: true })));
  await removeWhole(database, id);
  for (const index of database.views.values()) index.forget(id);
  database.count(before, { exists: false });
  if (kept.length > 0) await database.insert(kept);
  if (id.startsWith('_design/')) database.validators = null;
  return doomed;
}

async function removeWhole(database, id) {
  const { level } = database.handle;
  const key = storeKey('document-store', id);
  const text = await new Promise((resolve, reject) => {
    level.get(key, { asBuffer: false }, (error, value) => (error ? reject(error) : resolve(value)));
  });
  const seqs = Object.values(JSON.parse(String(text)).rev_map);
  const dead = [key, ...seqs.map((seq) => storeKey('by-sequence', seqKey(seq)))];
  await new Promise((resolve, reject) => {
    level.batch(dead.map((one) => ({ type: 'del', key: one })), (error) => (error ? reject(error) : resolve()));
  });
}

// Writing documents by CouchDB's rules: which revision a write replaces, what validation sees, and what
// rev it gets. Everything is decided here and stored with PouchDB's new_edits=false, so that PouchDB
// never decides a second time.

import { createHash, randomBytes } from 'node:crypto';
import { CouchError, asCouchError, badRequest, conflict } from './errors.mjs';
import { checkDocumentId } from './names.mjs';
import { generation, hashOf } from './rev_tree.mjs';
import { requireDatabaseAdminToWrite } from './security.mjs';
import { beforeUserWrite } from './users.mjs';
import { validate } from './validation.mjs';

// [couchdb] max_document_size of CouchDB 3.x.
const DOCUMENT_BYTES_MAX = 8000000;
const SPECIAL = new Set(['_id', '_rev', '_deleted', '_attachments', '_revisions', '_revs_info', '_conflicts',
  '_deleted_conflicts', '_local_seq']);
const DROPPED = ['_revs_info', '_conflicts', '_deleted_conflicts', '_local_seq'];

export const newId = () => randomBytes(16).toString('hex');

function checkRev(rev) {
  if (typeof rev !== 'string' || !/^\d+-./s.test(rev)) throw badRequest('Invalid rev format');
  return rev;
}

function checkForm(doc) {
  if (doc === null || typeof doc !== 'object' || Array.isArray(doc)) {
    throw badRequest('Document must be a JSON object');
  }
  checkDocumentId(doc._id);
  for (const key of Object.keys(doc)) {
    if (key.startsWith('_') && !SPECIAL.has(key)) {
      throw new CouchError(400, 'doc_validation', `Bad special document member: ${key}`);
    }
  }
  if (Buffer.byteLength(JSON.stringify({ ...doc, _attachments: undefined })) > DOCUMENT_BYTES_MAX) {
    throw new CouchError(413, 'document_too_large', doc._id);
  }
}

/** The revisions that a writer sent, newest first: from `_revisions`, else from `_rev`, else none. */
function sentRevs(doc) {
  if (doc._revisions !== undefined) {
    const { start, ids } = doc._revisions ?? {};
    const invalid = (reason) => new CouchError(400, 'doc_validation', reason);
    if (!Number.isInteger(start)) throw invalid("_revisions.start isn't an integer.");
    if (!Array.isArray(ids)) throw invalid("_revisions.ids isn't a array.");
    if (ids.some((id) => typeof id !== 'string')) throw invalid("RevId isn't a string");
    return ids.map((id, index) => checkRev(`${start - index}-${id}`));
  }
  return doc._rev === undefined || doc._rev === null ? [] : [checkRev(doc._rev)];
}

/** The document as validation functions get it: `_rev` and `_revisions` as sent, or neither. */
function shownToValidation(doc, revs) {
  const { _rev, _revisions, ...shown } = doc;
  if (revs.length === 0) return shown;
  return { ...shown, _rev: revs[0], _revisions: { start: generation(revs[0]), ids: revs.map(hashOf) } };
}

const readStored = (database, id, rev) => database.read(id, { rev, revs: true });

/** Attachments sent as stubs are those of the revision before; CouchDB refuses unknown ones with 412. */
function mergeStubs(doc, old) {
  for (const [name, attachment] of Object.entries(doc._attachments ?? {})) {
    if (!attachment.stub) continue;
    const known = old?._attachments?.[name];
    if (!known) {
      throw new CouchError(412, 'missing_stub', `Invalid attachment stub in ${doc._id} for ${name}`);
    }
    doc._attachments[name] = known;
  }
}

const hasStubs = (doc) => Object.values(doc._attachments ?? {}).some((attachment) => attachment.stub);

async function prepareEdit(database, doc, userCtx) {
  const revs = sentRevs(doc);
  const tree = await database.tree(doc._id);
  const parent = editedRevision(tree, revs);
  const readOld = async () => (revs.length > 0 ? readStored(database, doc._id, parent) : null);
  if (hasStubs(doc)) mergeStubs(doc, await readOld());
  await validate(database, shownToValidation(doc, revs), readOld, userCtx);
  const path = tree.path(parent);
  const start = parent === null ? 0 : generation(parent);
  const { _revisions, ...body } = doc;
  const hash = createHash('md5').update(JSON.stringify([parent, body])).digest('hex');
  return { ...body, _rev: `${start + 1}-${hash}`, _revisions: { start: start + 1, ids: [hash, ...path.map(hashOf)] } };
}

/** The leaf that an ordinary edit replaces; null for a first revision. */
function editedRevision(tree, revs) {
  if (revs.length === 0) {
    if (tree.live) throw conflict();
    return tree.winner()?.rev ?? null;  // a deleted document is taken up where it ended
  }
  if (!tree.nodes.get(revs[0])?.leaf) throw conflict();
  return revs[0];
}

/** A revision that comes with its history; null if it is known already. */
async function prepareReplicated(database, doc, userCtx) {
  const revs = sentRevs(doc);
  if (revs.length === 0) {
    throw badRequest('When `new_edits: false`, the document needs `_rev` or `_revisions` specified');
  }
  const tree = await database.tree(doc._id);
  if (tree.nodes.has(revs[0])) return null;
  const readOld = () => nearestStored(database, doc._id, tree, revs);
  if (hasStubs(doc)) mergeStubs(doc, await readOld());
  await validate(database, shownToValidation(doc, revs), readOld, userCtx);
  return { ...doc, _rev: revs[0], _revisions: { start: generation(revs[0]), ids: revs.map(hashOf) } };
}

/** The newest ancestor whose body is still there: null for a branch, and after a compaction. */
async function nearestStored(database, id, tree, revs) {
  const known = revs.find((rev) => tree.nodes.has(rev));
  const stored = tree.path(known).find((rev) => tree.nodes.get(rev).stored);
  return stored ? readStored(database, id, stored) : null;
}

/** `_local` documents: no conflicts, no validation, no place in the feed. */
async function writeLocal(database, doc) {
  const { _revisions, ...body } = doc;
  const current = await database.read(doc._id).catch(() => null);
  if (doc._deleted) {
    if (!current) throw new CouchError(404, 'not_found', 'missing');
    await database.pouch.remove(current);
    return { ok: true, id: doc._id, rev: '0-0' };
  }
  const { rev } = await database.pouch.put({ ...body, _rev: current?._rev });
  return { ok: true, id: doc._id, rev };
}

async function prepare(database, doc, { newEdits, userCtx }) {
  checkForm(doc);
  for (const field of DROPPED) delete doc[field];
  if (doc._id.startsWith('_design/')) requireDatabaseAdminToWrite(userCtx, database.security);
  const wanted = await beforeUserWrite(database, doc, userCtx);
  return newEdits ? prepareEdit(database, wanted, userCtx) : prepareReplicated(database, wanted, userCtx);
}

/** Writes documents in order, each on its own; the results are in the same order. Run it exclusively. */
async function writeInOrder(database, docs, options) {
  const results = new Array(docs.length);
  let batch = [];
  const flush = async () => {
    if (batch.length > 0) await database.insert(batch);
    batch = [];
  };
  for (const [index, doc] of docs.entries()) {
    try {
      if (doc && typeof doc === 'object' && !Array.isArray(doc)) doc._id ??= newId();
      if (String(doc?._id).startsWith('_local/')) {
        checkForm(doc);
        results[index] = await writeLocal(database, doc);
        continue;
      }
      // A second write to the same document has to see the first one.
      if (batch.some((waiting) => waiting._id === doc?._id)) await flush();
      const prepared = await prepare(database, doc, options);
      results[index] = { ok: true, id: doc._id, rev: prepared?._rev ?? doc._rev };
      if (prepared) batch.push(prepared);
      // What comes next must be judged by a new design document.
      if (prepared && doc._id.startsWith('_design/')) await flush();
    } catch (thrown) {
      results[index] = { failed: asCouchError(thrown), id: doc?._id, rev: doc?._rev };
    }
  }
  await flush();
  return results;
}

/** Writes documents; each result is {ok, id, rev} or {failed: CouchError, id, rev}. */
export function writeDocs(database, docs, { newEdits = true, userCtx }) {
  return database.exclusively(() => writeInOrder(database, docs, { newEdits, userCtx }));
}

export async function writeDoc(database, doc, options) {
  const [result] = await writeDocs(database, [doc], options);
  if (result.failed) throw result.failed;
  return result;
}

// The routes of single documents and their attachments: GET, PUT, POST, DELETE.

import { CouchError, badRequest, conflict, methodNotAllowed, notFound } from './errors.mjs';
import { checkDocumentId } from './names.mjs';
import { visibleUser } from './users.mjs';
import { newId, writeDoc } from './writes.mjs';

/** POST /db */
export async function postDocument(exchange, database) {
  const doc = await exchange.jsonObject();
  doc._id ??= newId();
  const result = await writeDoc(database, doc, { userCtx: exchange.userCtx });
  exchange.send(201, result, { Location: `/${encodeURIComponent(database.name)}/${encodeURIComponent(result.id)}` });
}

export function documentRoute(exchange, database, id) {
  checkDocumentId(id);
  switch (exchange.method) {
    case 'GET': return getDocument(exchange, database, id);
    case 'PUT': return putDocument(exchange, database, id);
    case 'DELETE': return deleteDocument(exchange, database, id);
    default: throw methodNotAllowed('DELETE,GET,HEAD,PUT');
  }
}

function sentRev(exchange) {
  return exchange.query.get('rev') ?? exchange.req.headers['if-match']?.replaceAll('"', '') ?? undefined;
}

async function putDocument(exchange, database, id) {
  if ((exchange.req.headers['content-type'] ?? '').startsWith('multipart/')) {
    throw new CouchError(501, 'not_implemented', 'Send attachments inline: the embedded server reads no multipart.');
  }
  const doc = await exchange.jsonObject();
  if (doc._id !== undefined && doc._id !== id) throw badRequest('Document ID must match the URL');
  const rev = sentRev(exchange);
  if (rev !== undefined) doc._rev ??= rev;
  doc._id = id;
  const newEdits = exchange.query.get('new_edits') !== 'false';
  const result = await writeDoc(database, doc, { newEdits, userCtx: exchange.userCtx });
  exchange.send(201, { ok: true, id, rev: result.rev }, { ETag: `"${result.rev}"` });
}

async function deleteDocument(exchange, database, id) {
  const rev = sentRev(exchange);
  if (!id.startsWith('_local/')) {
    const tree = await database.tree(id);
    if (!tree.exists) throw notFound();
    if (rev === undefined) throw tree.live ? conflict() : notFound('deleted');
  }
  const result = await writeDoc(database, { _id: id, _rev: rev, _deleted: true }, { userCtx: exchange.userCtx });
  exchange.send(200, { ok: true, id, rev: result.rev });
}

async function getDocument(exchange, database, id) {
  const openRevs = exchange.query.get('open_revs');
  if (openRevs !== null && !id.startsWith('_local/')) return getOpenRevs(exchange, database, id, openRevs);
  const tree = id.startsWith('_local/') ? null : await database.tree(id);
  const { rev, ...options } = readOptions(exchange);
  const doc = await readRevision(database, id, rev, options);
  if (tree && (exchange.flag('deleted_conflicts') || exchange.flag('meta'))) addDeletedConflicts(doc, tree);
  const shown = visibleUser(database, doc, exchange.userCtx);
  exchange.send(200, shown, { ETag: `"${doc._rev}"` });
}

function readOptions(exchange) {
  const options = {};
  for (const name of ['revs', 'revs_info', 'conflicts', 'attachments', 'latest']) {
    if (exchange.flag(name)) options[name] = true;
  }
  if (exchange.flag('meta')) Object.assign(options, { conflicts: true, revs_info: true });
  const rev = exchange.query.get('rev');
  if (rev !== null) options.rev = rev;
  return options;
}

function addDeletedConflicts(doc, tree) {
  const dead = tree.leaves().filter((leaf) => leaf.deleted && leaf.rev !== doc._rev).map((leaf) => leaf.rev);
  if (dead.length > 0) doc._deleted_conflicts = dead;
}

async function getOpenRevs(exchange, database, id, text) {
  const tree = await database.tree(id);
  const revs = text === 'all' ? tree.leaves().map((leaf) => leaf.rev) : exchange.json('open_revs');
  if (!Array.isArray(revs)) throw badRequest('Invalid list of revisions');
  if (text === 'all' && revs.length === 0) throw notFound();
  const { rev, ...options } = readOptions(exchange);
  const found = await Promise.all(revs.map((wanted) => openRevision(exchange, database, id, wanted, options)));
  exchange.send(200, found.map((entry) => (entry.ok ? entry : { missing: entry.missing })));
}

/** One revision for open_revs and _bulk_get: {ok: doc} or {missing: rev}. */
export async function openRevision(exchange, database, id, rev, options) {
  try {
    const doc = await readRevision(database, id, rev, options);
    return { ok: visibleUser(database, doc, exchange.userCtx) };
  } catch (error) {
    if (error.status !== 404) throw error;
    return { missing: rev, reason: error.reason };
  }
}

/** With `latest`, the leaf that came of the revision. PouchDB's own `latest` throws where nobody can catch it. */
async function readRevision(database, id, rev, { latest, ...options }) {
  if (rev === undefined || rev === null) return database.read(id, options);
  if (!latest) return database.read(id, { ...options, rev });
  const tree = await database.tree(id);
  const leaf = tree.leaves().find((one) => tree.path(one.rev).includes(rev));
  if (!leaf) throw notFound();
  return database.read(id, { ...options, rev: leaf.rev });
}

export function attachmentRoute(exchange, database, id, name) {
  switch (exchange.method) {
    case 'GET': return getAttachment(exchange, database, id, name);
    case 'PUT': return putAttachment(exchange, database, id, name);
    case 'DELETE': return deleteAttachment(exchange, database, id, name);
    default: throw methodNotAllowed('GET,HEAD,PUT,DELETE');
  }
}

async function getAttachment(exchange, database, id, name) {
  const rev = exchange.query.get('rev') ?? undefined;
  const doc = await database.read(id, { rev, attachments: true });
  visibleUser(database, doc, exchange.userCtx);
  const attachment = doc._attachments?.[name];
  if (!attachment) throw notFound('Document is missing attachment');
  const bytes = Buffer.from(attachment.data, 'base64');
  exchange.head(200, {
    'Content-Type': attachment.content_type, 'Content-Length': bytes.length,
    'Content-Security-Policy': 'sandbox', ETag: `"${attachment.digest.replace(/^md5-/, '')}"`,
  });
  exchange.res.end(bytes);
}

/** The document that an attachment is added to or taken from; a first attachment may make the document. */
async function editedDocument(exchange, database, id) {
  const rev = sentRev(exchange);
  if (rev === undefined) {
    if ((await database.tree(id)).live) throw conflict();
    return { _id: id };
  }
  return database.read(id, { rev }).catch((error) => {
    throw error.status === 404 ? conflict() : error;
  });
}

async function putAttachment(exchange, database, id, name) {
  const bytes = await exchange.body();
  const doc = await editedDocument(exchange, database, id);
  const contentType = exchange.req.headers['content-type'] ?? 'application/octet-stream';
  doc._attachments = { ...doc._attachments, [name]: { content_type: contentType, data: bytes.toString('base64') } };
  const { rev } = await writeDoc(database, doc, { userCtx: exchange.userCtx });
  exchange.send(201, { ok: true, id, rev });
}

async function deleteAttachment(exchange, database, id, name) {
  const doc = await editedDocument(exchange, database, id);
  if (!doc._attachments?.[name]) throw notFound('Document is missing attachment');
  delete doc._attachments[name];
  const { rev } = await writeDoc(database, doc, { userCtx: exchange.userCtx });
  exchange.send(200, { ok: true, id, rev });
}

// The routes that take many documents at once, and those that a replicator compares databases with.

import { CouchError, badRequest } from './errors.mjs';
import { openRevision } from './documents.mjs';
import { writeDocs } from './writes.mjs';

export async function bulkDocs(exchange, database) {
  const body = await exchange.jsonObject();
  if (!Array.isArray(body.docs)) throw badRequest('POST body must include `docs` parameter.');
  for (const doc of body.docs) {
    if (doc === null || typeof doc !== 'object' || Array.isArray(doc)) {
      throw badRequest('Document must be a JSON object');
    }
  }
  const newEdits = body.new_edits !== false;
  const results = await writeDocs(database, body.docs, { newEdits, userCtx: exchange.userCtx });
  const rows = results.map((result) => (result.failed
    ? { id: result.id, ...(newEdits ? {} : { rev: result.rev }), error: result.failed.error, reason: result.failed.reason }
    : result));
  // Whole requests are refused for what CouchDB finds before it looks at the documents one by one.
  const refused = results.find((result) => result.failed && [400, 413].includes(result.failed.status));
  if (refused) throw refused.failed;
  exchange.send(201, newEdits ? rows : rows.filter((row) => row.error));
}

export async function bulkGet(exchange, database) {
  const { docs } = await exchange.jsonObject();
  if (!Array.isArray(docs)) throw badRequest("Missing JSON list of 'docs'.");
  const options = {};
  for (const name of ['revs', 'attachments', 'latest']) if (exchange.flag(name)) options[name] = true;
  const results = await Promise.all(docs.map(async ({ id, rev }) => {
    if (typeof id !== 'string') throw new CouchError(400, 'illegal_docid', 'Document id must be a string');
    const found = await openRevision(exchange, database, id, rev, options);
    if (found.ok) return { id, docs: [{ ok: found.ok }] };
    return { id, docs: [{ error: { id, rev: rev ?? 'undefined', error: 'not_found', reason: found.reason ?? 'missing' } }] };
  }));
  exchange.send(200, { results });
}

export async function revsDiff(exchange, database) {
  const asked = await exchange.jsonObject();
  const answer = {};
  for (const [id, revs] of Object.entries(asked)) {
    const tree = await database.tree(id);
    const missing = revs.filter((rev) => !tree.nodes.has(rev));
    if (missing.length === 0) continue;
    answer[id] = { missing };
    const newest = Math.max(...missing.map((rev) => Number.parseInt(rev, 10)));
    const ancestors = tree.leaves().map((leaf) => leaf.rev).filter((rev) => Number.parseInt(rev, 10) < newest);
    if (ancestors.length > 0) answer[id].possible_ancestors = ancestors;
  }
  exchange.send(200, answer);
}

// validate_doc_update of a database's design documents, run on every write as CouchDB runs it: the new
// document with the `_rev` and `_revisions` that its writer sent, the old one that it would replace
// (null where CouchDB gives none), the user, the security object. Admins are not spared.

import { CouchError, forbidden, unauthorized } from './errors.mjs';
import { compile } from './sandbox.mjs';

async function load(database) {
  const { rows } = await database.pouch.allDocs({ startkey: '_design/', endkey: '_design0', include_docs: true });
  return rows.map((row) => row.doc).filter((ddoc) => typeof ddoc.validate_doc_update === 'string')
    .map((ddoc) => compile(ddoc, ddoc.validate_doc_update));
}

export async function validate(database, newDoc, readOld, userCtx) {
  if (newDoc._id.startsWith('_local/') || newDoc._id.startsWith('_design/')) return;
  database.validators ??= load(database);
  const validators = await database.validators;
  if (validators.length === 0) return;
  const oldDoc = await readOld();
  for (const validator of validators) {
    try {
      validator(newDoc, oldDoc, { db: database.name, ...userCtx }, database.security);
    } catch (thrown) {
      throw refusal(thrown);
    }
  }
}

function refusal(thrown) {
  if (thrown instanceof CouchError) return thrown;
  if (thrown?.forbidden !== undefined) return forbidden(thrown.forbidden);
  if (thrown?.unauthorized !== undefined) return unauthorized(thrown.unauthorized);
  return new CouchError(500, thrown?.name ?? 'unknown_error', thrown?.message ?? String(thrown));
}

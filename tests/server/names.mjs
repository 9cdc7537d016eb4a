// Names: which databases and documents may be called what, as CouchDB 3.x decides it.

import { CouchError } from './errors.mjs';

const SYSTEM_DATABASES = new Set(['_users', '_replicator', '_global_changes']);
const DATABASE_NAME = /^[a-z][a-z0-9_$()+/-]*$/;
// CouchDB makes a file of each database; past this length the file system refuses the name.
const DATABASE_NAME_MAX = 238;

export function isSystemDatabase(name) {
  return SYSTEM_DATABASES.has(name);
}

export function checkDatabaseName(name) {
  if (!DATABASE_NAME.test(name) && !isSystemDatabase(name)) {
    throw new CouchError(400, 'illegal_database_name',
      `Name: '${name}'. Only lowercase characters (a-z), digits (0-9), and any of the characters ` +
      '_, $, (, ), +, -, and / are allowed. Must begin with a letter.');
  }
  if (Buffer.byteLength(name) > DATABASE_NAME_MAX) {
    throw new CouchError(400, 'database_name_too_long',
      `At least one path segment of \`${name}\` is too long.`);
  }
}

/** The name of a database's folder: "/" is the one legal character that a folder cannot hold, "." none of them. */
export function folderOf(name) {
  return name.replaceAll('/', '.');
}

export function checkDocumentId(id) {
  const illegal = (reason) => new CouchError(400, 'illegal_docid', reason);
  if (typeof id !== 'string') throw illegal('Document id must be a string');
  if (id === '') throw illegal('Document id must not be empty');
  if (id === '_design/' || id === '_local/') throw illegal(`Illegal document id \`${id}\``);
  if (id.startsWith('_') && !id.startsWith('_design/') && !id.startsWith('_local/')) {
    throw illegal('Only reserved document ids may start with underscore.');
  }
}

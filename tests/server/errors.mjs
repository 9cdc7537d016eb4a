// The errors that the embedded server answers with, named and worded as CouchDB 3.5 words them.
// Every module throws these; server.mjs turns them into a response.

export class CouchError extends Error {
  constructor(status, error, reason) {
    super(`${error}: ${reason}`);
    this.status = status;
    this.error = error;
    this.reason = reason;
  }
}

export const badRequest = (reason) => new CouchError(400, 'bad_request', reason);
export const notFound = (reason = 'missing') => new CouchError(404, 'not_found', reason);
export const noDatabase = () => notFound('Database does not exist.');
export const conflict = () => new CouchError(409, 'conflict', 'Document update conflict.');
export const forbidden = (reason) => new CouchError(403, 'forbidden', reason);
export const unauthorized = (reason) => new CouchError(401, 'unauthorized', reason);
export const methodNotAllowed = (methods) =>
  new CouchError(405, 'method_not_allowed', `Only ${methods} allowed`);
export const fileExists = () =>
  new CouchError(412, 'file_exists',
    'The database could not be created, the file already exists.');

/** Turns whatever was thrown into a CouchError; PouchDB's errors carry status, name and message. */
export function asCouchError(thrown) {
  if (thrown instanceof CouchError) return thrown;
  if (Number.isInteger(thrown?.status) && thrown.name) {
    return new CouchError(thrown.status, thrown.name, thrown.reason || thrown.message);
  }
  return new CouchError(500, 'internal_server_error', String(thrown?.stack ?? thrown));
}

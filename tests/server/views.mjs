// _all_docs and views: PouchDB's own, with CouchDB's query options.

import { CouchError, badRequest, notFound } from './errors.mjs';

const JSON_OPTIONS = ['key', 'keys', 'startkey', 'endkey', 'start_key', 'end_key', 'limit', 'skip', 'group_level'];
const FLAGS = ['descending', 'include_docs', 'conflicts', 'attachments', 'inclusive_end', 'reduce', 'group', 'update_seq'];
const ALIASES = { start_key: 'startkey', end_key: 'endkey' };

async function queryOptions(exchange) {
  const options = {};
  for (const name of JSON_OPTIONS) {
    const value = exchange.json(name);
    if (value !== undefined) options[ALIASES[name] ?? name] = value;
  }
  for (const name of FLAGS) {
    if (exchange.query.has(name)) options[name] = exchange.flag(name);
  }
  if (exchange.method === 'POST') Object.assign(options, await exchange.jsonObject());
  if (options.keys !== undefined && !Array.isArray(options.keys)) throw badRequest('`keys` must be an array of strings');
  return options;
}

export async function allDocs(exchange, database) {
  const { update_seq: withSeq, ...options } = await queryOptions(exchange);
  const answer = await database.pouch.allDocs(options);
  // PouchDB's count does not know of purged documents.
  answer.total_rows = database.liveCount;
  if (withSeq) answer.update_seq = database.formatSeq(database.seq);
  exchange.send(200, answer);
}

export async function view(exchange, database, ddocName, viewName) {
  const ddoc = await database.read(`_design/${ddocName}`);
  if (!ddoc.views?.[viewName]) throw notFound('missing_named_view');
  const options = await queryOptions(exchange);
  if (options.reduce === undefined && !ddoc.views[viewName].reduce) options.reduce = false;
  try {
    exchange.send(200, await database.pouch.query(`${ddocName}/${viewName}`, options));
  } catch (error) {
    if (error.name === 'query_parse_error') throw new CouchError(400, 'query_parse_error', error.message);
    throw error;
  }
}

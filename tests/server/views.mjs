// The routes _all_docs (PouchDB's own) and _view (view_index.mjs), with CouchDB's query options.

import { collate } from 'pouchdb-collate';
import { CouchError, badRequest, notFound } from './errors.mjs';
import { ViewIndex } from './view_index.mjs';

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
  if (options.keys !== undefined && !Array.isArray(options.keys)) throw badRequest('`keys` member must be an array.');
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
  if (typeof ddoc.views?.[viewName]?.map !== 'string') throw notFound('missing_named_view');
  const options = await queryOptions(exchange);
  const index = indexOf(database, ddoc, viewName);
  const wanted = inRange(await index.rows(), options);
  if (index.reduce && options.reduce !== false) return exchange.send(200, { rows: reduced(index, wanted, options) });
  if (options.group || options.group_level !== undefined) {
    throw new CouchError(400, 'query_parse_error', 'Invalid use of grouping on a map view.');
  }
  const rows = page(wanted, options);
  exchange.send(200, {
    total_rows: index.sorted.length, offset: options.skip ?? 0,
    rows: options.include_docs ? await withDocs(database, rows, options) : rows,
  });
}

/** The index of this view of this very design document; one of an older revision is dropped. */
function indexOf(database, ddoc, viewName) {
  const key = `${ddoc._id}/${viewName}`;
  if (database.views.get(key)?.rev !== ddoc._rev) database.views.set(key, new ViewIndex(database, ddoc, viewName));
  return database.views.get(key);
}

function inRange(rows, options) {
  if (options.keys) return options.keys.flatMap((key) => rows.filter((row) => collate(row.key, key) === 0));
  if ('key' in options) return rows.filter((row) => collate(row.key, options.key) === 0);
  const { descending = false, inclusive_end: inclusive = true } = options;
  const sign = descending ? -1 : 1;
  const last = inclusive ? 0 : -1;
  const wanted = rows.filter((row) => (!('startkey' in options) || sign * collate(row.key, options.startkey) >= 0)
    && (!('endkey' in options) || sign * collate(row.key, options.endkey) <= last));
  return descending ? wanted.reverse() : wanted;
}

function page(rows, { skip = 0, limit = Infinity }) {
  return rows.slice(skip, skip + limit);
}

function reduced(index, rows, options) {
  const level = options.group ? Infinity : options.group_level ?? 0;
  if (level === 0 && !options.keys) return rows.length === 0 ? [] : [{ key: null, value: index.reduce(rows) }];
  const groups = [];
  for (const row of rows) {
    const key = Array.isArray(row.key) && Number.isFinite(level) ? row.key.slice(0, level) : row.key;
    const last = groups.at(-1);
    if (last && collate(last.key, key) === 0) last.rows.push(row);
    else groups.push({ key, rows: [row] });
  }
  return page(groups.map((group) => ({ key: group.key, value: index.reduce(group.rows) })), options);
}

function withDocs(database, rows, { conflicts }) {
  return Promise.all(rows.map(async (row) => {
    const id = row.value?._id ?? row.id;
    return { ...row, doc: await database.read(id, { conflicts }).catch(() => null) };
  }));
}

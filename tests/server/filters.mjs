// What a `_changes` request wants to see: by ids, by selector, by a filter or a view of a design document.

import { matchesSelector } from 'pouchdb-selector-core';
import { CouchError, badRequest, notFound } from './errors.mjs';
import { compile } from './sandbox.mjs';

const all = { needsDoc: false, passes: () => true };

/** Returns {needsDoc, passes(row)}; `body` is the request's JSON or undefined. */
export async function makeFilter(exchange, database, body) {
  const name = exchange.query.get('filter');
  if (name === null || name === '') return all;
  if (name === '_doc_ids') return byIds(exchange, body);
  if (name === '_selector') return bySelector(body);
  if (name === '_design') return { needsDoc: false, passes: (row) => row.id.startsWith('_design/') };
  if (name === '_view') return byView(exchange, database);
  if (name.startsWith('_')) throw badRequest(`unknown builtin filter name: ${name}`);
  return byFunction(exchange, database, name);
}

function byIds(exchange, body) {
  const ids = body?.doc_ids ?? exchange.json('doc_ids');
  if (!Array.isArray(ids)) throw badRequest('`doc_ids` filter parameter is not a list.');
  const wanted = new Set(ids);
  return { needsDoc: false, passes: (row) => wanted.has(row.id) };
}

function bySelector(body) {
  if (!body?.selector || typeof body.selector !== 'object') throw badRequest('Selector must be specified in POST payload');
  // PouchDB answers selectors it does not know with exceptions; the request is then wrong, not the server.
  const passes = (row) => {
    try {
      return matchesSelector(row.doc, body.selector);
    } catch (error) {
      throw badRequest(error.message);
    }
  };
  return { needsDoc: true, passes };
}

async function designFunction(database, path, kind) {
  const [ddocName, functionName, ...more] = path.split('/');
  if (functionName === undefined || more.length > 0) throw badRequest(`Incorrect format for ${kind}.`);
  const ddoc = await database.read(`_design/${ddocName}`);
  const found = kind === 'filter' ? ddoc.filters?.[functionName] : ddoc.views?.[functionName]?.map;
  if (typeof found !== 'string') throw notFound(`missing json key: ${functionName}`);
  return { ddoc, source: found };
}

const brokenFunction = (error) => new CouchError(500, error?.name ?? 'unknown_error', error?.message ?? String(error));

async function byFunction(exchange, database, name) {
  const { ddoc, source } = await designFunction(database, name, 'filter');
  const filter = compile(ddoc, source);
  const request = {
    method: exchange.method, path: exchange.parts, query: Object.fromEntries(exchange.query),
    headers: exchange.req.headers, body: 'undefined', id: null,
    userCtx: { db: database.name, ...exchange.userCtx }, secObj: database.security,
  };
  const passes = (row) => {
    try {
      return Boolean(filter(row.doc, request));
    } catch (error) {
      throw brokenFunction(error);
    }
  };
  return { needsDoc: true, passes };
}

async function byView(exchange, database) {
  const { ddoc, source } = await designFunction(database, exchange.query.get('view') ?? '', 'view');
  const map = compile(ddoc, `function (doc) { var emitted = 0; var emit = function () { emitted++; };
    (${source.trim().replace(/;+\s*$/, '')}\n)(doc); return emitted; }`);
  return { needsDoc: true, passes: (row) => !row.deleted && map(row.doc) > 0 };
}

// /db/_changes: the normal, longpoll and continuous feeds over PouchDB's changes, with CouchDB's opaque
// seqs, filters, limit, heartbeat and time-out. A feed ends when its client leaves.

import { badRequest, methodNotAllowed } from './errors.mjs';
import { FeedWait, feedOptions } from './feed.mjs';
import { makeFilter } from './filters.mjs';

export async function changesRoute(exchange, database, config) {
  if (!['GET', 'POST'].includes(exchange.method)) throw methodNotAllowed('GET,POST,HEAD');
  const body = exchange.method === 'POST' ? await optionalBody(exchange) : undefined;
  const options = feedOptions(exchange);
  if (!['normal', 'longpoll', 'continuous'].includes(options.feed)) {
    throw badRequest('Supported `feed` types: normal, continuous, live, longpoll, eventsource');
  }
  const since = exchange.query.get('since') ?? exchange.req.headers['last-event-id'];
  const request = {
    ...options, database, filter: await makeFilter(exchange, database, body),
    from: database.parseSeq(since), descending: exchange.flag('descending'), includeDocs: exchange.flag('include_docs'),
    conflicts: exchange.flag('conflicts'), attachments: exchange.flag('attachments'),
    style: exchange.query.get('style') ?? 'main_only',
    duration: Number(config.get('fabric', 'changes_duration') ?? Infinity),
  };
  exchange.head(200, { 'Content-Type': 'application/json' });
  exchange.res.flushHeaders();
  if (request.feed === 'continuous') return continuous(exchange, request);
  return request.feed === 'longpoll' ? longpoll(exchange, request) : normal(exchange, request);
}

async function optionalBody(exchange) {
  exchange.requireJsonType();
  const text = (await exchange.body()).toString('utf8');
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('invalid UTF-8 JSON');
  }
}

/** Rows after `from` that pass the filter, at most `limit`; `upTo` is the last seq that was looked at. */
async function rowsAfter(request, from, limit) {
  const { database, filter } = request;
  const { results, last_seq: lastSeq } = await database.pouch.changes({
    since: from, descending: request.descending, style: request.style, attachments: request.attachments,
    include_docs: request.includeDocs || filter.needsDoc, conflicts: request.conflicts,
  });
  const passed = [];
  for (const [index, row] of results.entries()) {
    if (!filter.passes(row)) continue;
    passed.push(row);
    if (passed.length >= limit) return { rows: passed, upTo: row.seq, pending: results.length - index - 1 };
  }
  return { rows: passed, upTo: Math.max(lastSeq, from), pending: 0 };
}

function rowText(request, row) {
  const shown = { seq: request.database.formatSeq(row.seq), id: row.id, changes: row.changes };
  if (row.deleted) shown.deleted = true;
  if (request.includeDocs) shown.doc = row.doc;
  return JSON.stringify(shown);
}

function writeResults(exchange, request, { rows, upTo, pending }) {
  const lines = rows.map((row) => rowText(request, row)).join(',\n');
  exchange.res.end(`{"results":[\n${lines}\n],\n"last_seq":"${request.database.formatSeq(upTo)}","pending":${pending}}\n`);
}

async function normal(exchange, request) {
  writeResults(exchange, request, await rowsAfter(request, request.from, request.limit));
}

/** Subscribes a feed to its database; returns the wait and how to leave. */
function follow(exchange, request) {
  const wait = new FeedWait(exchange, request);
  const wake = () => wait.wake();
  const gone = () => {
    exchange.res.end();
    wait.close();
  };
  request.database.events.on('change', wake).on('gone', gone);
  const leave = () => {
    request.database.events.off('change', wake).off('gone', gone);
    wait.close();
  };
  return { wait, leave };
}

async function longpoll(exchange, request) {
  const { wait, leave } = follow(exchange, request);
  try {
    let from = request.from;
    for (;;) {
      const found = await rowsAfter(request, from, request.limit);
      if (wait.closed) return;
      if (found.rows.length > 0) return writeResults(exchange, request, found);
      from = found.upTo;
      const outcome = await wait.wait();
      if (outcome === 'closed') return;
      if (outcome === 'timeout') return writeResults(exchange, request, { rows: [], upTo: from, pending: 0 });
    }
  } finally {
    leave();
  }
}

async function continuous(exchange, request) {
  const { wait, leave } = follow(exchange, request);
  const ends = Date.now() + request.duration;
  const timer = Number.isFinite(request.duration) ? setTimeout(() => wait.wake(), request.duration + 1) : null;
  try {
    let from = request.from;
    let left = request.limit;
    for (;;) {
      const { rows, upTo } = await rowsAfter(request, from, left);
      if (wait.closed) return;
      for (const row of rows) exchange.res.write(`${rowText(request, row)}\n`);
      from = upTo;
      left -= rows.length;
      const outcome = left > 0 && Date.now() < ends ? await wait.wait() : 'timeout';
      if (outcome === 'closed') return;
      if (outcome === 'timeout') break;
    }
    exchange.res.end(`{"last_seq":"${request.database.formatSeq(from)}","pending":0}\n`);
  } finally {
    clearTimeout(timer);
    leave();
  }
}

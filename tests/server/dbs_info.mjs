// /_dbs_info and /_all_dbs: what there is, and how far each database has come.

import { badRequest, methodNotAllowed } from './errors.mjs';

const KEYS_MAX = 100;  // [chttpd] max_db_number_for_dbs_info_req

function namesInRange(exchange, store) {
  const start = exchange.json('startkey') ?? exchange.json('start_key');
  const end = exchange.json('endkey') ?? exchange.json('end_key');
  const names = store.names().filter((name) => (start === undefined || name >= start) && (end === undefined || name <= end));
  if (exchange.flag('descending')) names.reverse();
  const skip = exchange.json('skip') ?? 0;
  const limit = exchange.json('limit') ?? names.length;
  return names.slice(skip, skip + limit);
}

async function infoOf(store, name) {
  if (!store.has(name)) return { key: name, error: 'not_found' };
  return { key: name, info: (await store.database(name)).info() };
}

export function allDbs(exchange, store) {
  if (exchange.method !== 'GET') throw methodNotAllowed('GET,HEAD');
  exchange.send(200, namesInRange(exchange, store));
}

export async function dbsInfo(exchange, store) {
  if (exchange.method === 'GET') {
    return exchange.send(200, await Promise.all(namesInRange(exchange, store).map((name) => infoOf(store, name))));
  }
  if (exchange.method !== 'POST') throw methodNotAllowed('GET,HEAD,POST');
  const { keys } = await exchange.jsonObject();
  if (!Array.isArray(keys)) throw badRequest('`keys` member must exist.');
  if (keys.length > KEYS_MAX) throw badRequest('too_many_keys');
  exchange.send(200, await Promise.all(keys.map((name) => infoOf(store, name))));
}

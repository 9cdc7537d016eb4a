// Looks for secrets in everything that a server holds: every document of every database with all of its
// revisions that are still there, and every feed. Used at the end of runs that know their secrets.

import { request } from './net.mjs';

/** Every text of the databases whose names `wanted` accepts, CouchDB's own with them, and the feed of all, as [{where, text}]. */
export async function everyText(server, wanted) {
  const { body: names } = await server.request('/_all_dbs');
  const updates = await server.request('/_db_updates?since=0');
  const texts = [{ where: '/_db_updates', text: updates.text }];
  for (const name of names.filter(wanted)) texts.push(...await textsOf(server, name));
  return texts;
}

async function textsOf(server, name) {
  const path = `/${encodeURIComponent(name)}`;
  const feed = await server.request(`${path}/_changes?style=all_docs&include_docs=true&conflicts=true`);
  const texts = [{ where: `${name}/_changes`, text: feed.text }];
  for (const list of ['_local_docs?include_docs=true', '_all_docs?include_docs=true', '_purged_infos']) {
    const { text, status } = await server.request(`${path}/${list}`);
    if (status === 200) texts.push({ where: `${name}/${list}`, text });
  }
  for (const { id } of feed.body.results) texts.push(...await revisionsOf(server, path, id));
  return texts;
}

async function revisionsOf(server, path, id) {
  const doc = `${path}/${id.startsWith('_design/') ? id : encodeURIComponent(id)}`;
  const leaves = await request(`${server.url}${doc}?open_revs=all&revs=true`, { auth: server, headers: { accept: 'application/json' } });
  const texts = [{ where: doc, text: leaves.text }];
  const revs = new Set();
  for (const { ok } of leaves.body) {
    ok._revisions.ids.forEach((hash, at) => revs.add(`${ok._revisions.start - at}-${hash}`));
  }
  for (const rev of revs) {
    const { status, text } = await server.request(`${doc}?rev=${encodeURIComponent(rev)}`);
    if (status === 200) texts.push({ where: `${doc}?rev=${rev}`, text });
  }
  return texts;
}

/** Where one of the secrets (name -> value) occurs in clear; empty if nowhere. */
export function findSecrets(texts, secrets) {
  const found = [];
  for (const { where, text } of texts) {
    for (const [name, value] of Object.entries(secrets)) if (text.includes(value)) found.push(`${name} in ${where}`);
  }
  return found;
}

// A stranger, a removed member, a reader and a revoked device each try to read and write every database of the installation, one after the other.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request, waitFor } from '../lib/net.mjs';
import { READS, WRITES, isRefused, person } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

const tag = `o${randomBytes(4).toString('hex')}`;
const [DIRECTORY, TEMPLATE] = [`${tag}-directory`, `${tag}-template`];
const GREETING = { _id: 'greeting', text: 'from the template' };
// These documents are in none of the databases but in the channels, or are in some: a database that is open says 404.
const OPEN_READS = READS.filter(([name]) => !['document', 'attachment', 'revisions'].includes(name));

let world, alice, bob, carol, lost, shared, other;
before(async () => {
  world = await startWorld({ channels: { directory_db: DIRECTORY, template_db: TEMPLATE } });
  await world.daemon.request(`/${TEMPLATE}`, { method: 'PUT' });
  await world.daemon.request(`/${TEMPLATE}/greeting`, { method: 'PUT', body: GREETING });
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => person(world, `${name}@example.com`)));
  lost = await world.activate(world.device(alice.address, { name: 'lost' }));
  [shared, other] = [(await world.makeChannel(alice.device))._id, (await world.makeChannel(alice.device))._id];
  for (const [who, access] of [[bob, 'reader'], [carol, 'writer']]) {
    assert.equal((await alice.invite(shared, who.address, access)).state, 'sent');
    await who.accept(shared);
  }
  for (const channel of [shared, other]) assert.equal((await alice.ask(channel, '/note', { method: 'PUT', body: { text: 'hello' } })).status, 201);
  assert.equal((await alice.change('remove', shared, { user: carol.user })).state, 'done');
  await carol.settled(shared, ['removed']);
  await alice.put({ ...await alice.get(lost.id), state: 'revoke' });
  await alice.settled(lost.id, ['revoked']);
  await waitFor(async () => (await lost.request(lost.control)).status === 401, { what: 'the log-in to be gone' });
});
after(async () => {
  for (const name of [DIRECTORY, TEMPLATE]) await world?.daemon.request(`/${name}`, { method: 'DELETE' });
  await world?.close();
});

/** All databases: {what: name}. */
function databases() {
  const { names } = world.daemon;
  const control = (who) => `${names.control_prefix}${who.user}`;
  return {
    'the shared channel': `${names.channel_prefix}${shared}`, 'another channel': `${names.channel_prefix}${other}`,
    'Alice\'s control database': control(alice), 'Bob\'s control database': control(bob), 'Carol\'s control database': control(carol),
    handshake: names.handshake_db, registry: names.registry_db, directory: DIRECTORY, template: TEMPLATE, _users: '_users', _replicator: '_replicator',
  };
}

/** What each may read, and where he may write; nobody else anything. */
const PEOPLE = [
  { who: 'a stranger', ask: () => request, reads: ['handshake'], writes: [] },
  { who: 'a removed member', ask: () => (...args) => carol.device.request(...args), reads: ['handshake', 'directory', 'Carol\'s control database'], writes: ['Carol\'s control database'] },
  { who: 'a reader', ask: () => (...args) => bob.device.request(...args), reads: ['handshake', 'directory', 'the shared channel', 'Bob\'s control database'], writes: ['Bob\'s control database'] },
  // The handshake is read without a log-in: one that is wrong is refused there, too.
  { who: 'a revoked device', ask: () => (...args) => lost.request(...args), reads: [], writes: [] },
];

/** [what, name, status] of the tries whose answers are not as they should be. `allowed`: let in, else refused. */
async function wrongAnswers(ask, what, database, tries, allowed) {
  const wrong = [];
  for (const [name, path, options] of tries) {
    const answer = await ask(`${world.server.url}/${database}${path}`, options);
    if (answer.status === 501 && world.server.embedded) continue;
    // There a document that is another's is not there.
    const hidden = database === '_users' && answer.status === 404;
    if ((isRefused(name, answer) || hidden) === allowed || (allowed && answer.status >= 300)) wrong.push(`${what}, ${name}: ${answer.status} ${answer.text.slice(0, 120)}`);
  }
  return wrong;
}

/** What no try may change: who gets in, and that nothing of the tries is there. */
async function traces() {
  const all = {};
  for (const name of Object.values(databases())) {
    const { body } = await world.daemon.request(`/${name}/_all_docs?keys=${encodeURIComponent('["mine","_design/mine"]')}`);
    const found = body.rows.filter(({ value }) => value && !value.deleted).map(({ id }) => id);
    all[name] = [found, (await world.daemon.request(`/${name}/_security`)).body];
  }
  return all;
}

for (const { who, ask, reads, writes } of PEOPLE) {
  test(`${who} reads and writes nothing but what is his`, async () => {
    const before = await traces();
    const wrong = [];
    for (const [what, name] of Object.entries(databases())) {
      wrong.push(...await wrongAnswers(ask(), what, name, reads.includes(what) ? OPEN_READS : READS, reads.includes(what)));
      if (!writes.includes(what)) wrong.push(...await wrongAnswers(ask(), what, name, WRITES, false));
    }
    for (const each of [alice.device, bob.device, carol.device, lost]) {
      const answer = await ask()(`${world.server.url}/_users/org.couchdb.user:${each.username}`);
      const isOwn = answer.status === 200 && answer.body.name === each.username;
      if (isOwn ? !reads.includes(`${each === bob.device ? 'Bob' : 'Carol'}'s control database`) : ![401, 403, 404].includes(answer.status)) wrong.push(`the log-in ${each.username}: ${answer.status}`);
    }
    for (const path of ['/_all_dbs', '/_dbs_info', '/_active_tasks', '/_node/_local/_config', '/_replicate']) {
      const answer = await ask()(`${world.server.url}${path}`, path === '/_replicate' ? { method: 'POST', body: { source: 'x', target: 'y' } } : {});
      if (answer.status < 400) wrong.push(`${path}: ${answer.status}`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await traces(), before);
  });
}

test('the tries are real: who may do them is let in', async () => {
  const ask = (...args) => alice.device.request(...args);
  const { 'the shared channel': channel } = databases();
  assert.deepEqual(await wrongAnswers(ask, 'the shared channel', channel, READS.filter(([name]) => name !== 'attachment'), true), []);
  const documents = WRITES.filter(([name]) => !['security', 'purge', 'design document'].includes(name));
  for (const [name, path, options] of documents) {
    const { status, text } = await ask(`${world.server.url}/${channel}${name === 'attachment' ? '/other/file.txt' : path}`, options);
    assert.ok(status < 300 || status === 409, `${name}: ${status} ${text}`);
  }
});

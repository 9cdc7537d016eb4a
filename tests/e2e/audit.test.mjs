// Who did what, as `couchdb-channels audit` tells it: the whole life of devices and memberships, each act once and in order; what
// nobody can do to an entry; what is in none; and what a killed daemon leaves.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { NOT_ME, YES_ALONE, newCredential, sha256 } from '../lib/device.mjs';
import { waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { person } from '../lib/people.mjs';
import { startProxy } from '../lib/proxy.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

const codes = [];
let world, alice, bob, carol;
before(async () => {
  world = await startWorld({ channels_mail: { mail_per_address: 50 }, channels: { directory_db: `d${randomBytes(4).toString('hex')}-directory` } });
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => person(world, `${name}@example.com`)));
});
after(() => world?.close());

const audit = (...args) => operatorCall(world.daemon, 'audit', ...args);
async function entries(...args) {
  const { code, stdout, stderr } = await audit(...args, '--json');
  assert.equal(code, 0, stderr || stdout);
  return JSON.parse(stdout).entries;
}

/** In words, with people by name. */
function told(entry) {
  const names = { [alice.user]: 'alice', [bob.user]: 'bob', [carol.user]: 'carol' };
  const { what, by, user, access, wipe } = entry;
  return [what, 'by', names[by] ?? by, names[user] ?? user, access, wipe && 'wipe'].filter(Boolean).join(' ');
}

const registry = (path, options) => world.daemon.request(`/${world.daemon.names.registry_db}${path}`, options);
async function written() {
  const { body } = await registry('/_all_docs?include_docs=true&startkey="audit-"&endkey="audit-~"');
  return body.rows.map(({ doc }) => doc);
}

const done = (doc) => assert.equal(doc.state, 'done', JSON.stringify(doc));

async function join(channel, who, access) {
  assert.equal((await alice.invite(channel, who.address, access)).state, 'sent');
  return who.accept(channel);
}

test('the life of a channel is told once and in its order', async () => {
  const { _id: channel } = await world.makeChannel(alice.device, { name: 'Secret Garden' });
  await join(channel, bob, 'reader');
  done(await alice.change('change', channel, { user: bob.user, access: 'writer' }));
  const toCarol = await alice.invite(channel, carol.address, 'owner');
  await carol.say(await carol.invitation(channel), 'decline', ['declined']);
  await alice.settled(toCarol._id, ['declined']);
  await join(channel, carol, 'writer');
  const toDora = await alice.invite(channel, 'dora@example.com', 'reader');
  await alice.say(toDora, 'withdraw', ['withdrawn']);
  await alice.put({ ...await alice.get(channel), name: 'Public Garden' });
  await carol.seen(channel, ({ name }) => name === 'Public Garden');
  done(await carol.change('leave', channel));
  done(await alice.change('hand over', channel, { user: bob.user }));
  done(await bob.change('remove', channel, { user: alice.user, wipe: true }));
  // Refused, and so nothing happened.
  assert.equal((await bob.change('leave', channel)).error.error, 'last_owner');

  const life = await entries('--channel', channel);
  const lines = life.map(told);
  // Two halves of one act, in the same moment.
  const halves = ['member handed over by alice bob owner', 'member access by alice alice writer'];
  if (lines.at(-3) === halves[1]) lines.splice(-3, 2, lines.at(-2), lines.at(-3));
  assert.deepEqual(lines, [
    'channel made by alice',
    'invitation sent by alice bob reader', 'member added by bob bob reader', 'invitation accepted by bob reader',
    'member access by alice bob writer',
    'invitation sent by alice carol owner', 'invitation declined by carol owner',
    'invitation sent by alice carol writer', 'member added by carol carol writer', 'invitation accepted by carol writer',
    'invitation sent by alice reader', 'invitation withdrawn by alice reader',
    'channel renamed by alice',
    'member left by carol carol',
    ...halves,
    'member removed by bob alice wipe',
  ]);
  // Each is a document of its own within moments, and says the same.
  await waitFor(async () => (await written()).filter((doc) => doc.channel === channel).length === life.length);
  assert.deepEqual((await entries('--channel', channel)), life);
  const [sent, added] = life.slice(1, 3);
  assert.match(sent.invitation, /^invitation-[0-9a-f]{64}$/);
  assert.equal(added.invitation, sent.invitation);
});

test('links and groups are told as well', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  const link = { _id: `link-${channel}`, type: 'link', state: 'new', channel, code: randomBytes(16).toString('hex'), access: 'reader' };
  await alice.put(link);
  const open = await alice.settled(link._id, ['open']);
  await bob.put({ _id: `join-${channel}`, type: 'join', state: 'new', channel, code: link.code });
  await bob.settled(`join-${channel}`, ['joined']);
  await alice.say(open, 'close', ['closed']);
  const group = newChannelId();
  await alice.put({ _id: group, type: 'group', state: 'new', name: 'Gardeners' });
  await alice.settled(group, ['ready']);
  for (const access of ['reader', 'writer']) done(await alice.change('change', channel, { group, access }));
  await join(group, carol, 'writer');
  done(await alice.change('remove', channel, { group }));

  const life = await entries('--channel', channel);
  assert.deepEqual(life.map(told), ['channel made by alice', 'link made by alice reader', 'member added by bob bob reader', 'link closed by alice reader',
    'group added by alice reader', 'group access by alice writer', 'group removed by alice']);
  assert.equal(life[2].link, life[1].link);
  assert.deepEqual((await entries('--channel', group)).map(told), ['group made by alice', 'group added by alice reader', 'group access by alice writer',
    'invitation sent by alice carol writer', 'member added by carol carol writer', 'invitation accepted by carol writer', 'group removed by alice']);
  codes.push(link.code);
});

test('how a channel ends is told as well, and who sees it', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  await join(channel, bob, 'owner');
  const end = async (who, wish, state) => who.say(await who.get(channel), wish, [state]);
  await end(alice, 'archive', 'archived');
  await bob.settled(channel, ['archived']);
  await end(bob, 'reopen', 'ready');
  done(await bob.change('publish', channel));
  done(await bob.change('unpublish', channel));
  await alice.settled(channel, ['ready']);
  await end(alice, 'delete', 'deleted');
  await end(alice, 'undelete', 'ready');
  await end(alice, 'delete', 'deleted');
  await end(alice, 'undelete', 'ready');
  const life = (await entries('--channel', channel)).map(told);
  assert.deepEqual(life.slice(life.indexOf('channel archived by alice')), ['channel archived by alice', 'channel reopened by bob', 'channel published by bob',
    'channel unpublished by bob', 'channel deleted by alice', 'channel brought back by alice', 'channel deleted by alice', 'channel brought back by alice']);
});

test('who is erased and comes back has no past, though the id is the same', async () => {
  const address = 'grace@example.com';
  const before = await person(world, address);
  const { _id: channel } = await world.makeChannel(before.device);
  await before.invite(channel, bob.address, 'owner');
  await bob.accept(channel);
  done(await before.change('change', channel, { user: bob.user, access: 'writer' }));
  done(await before.change('change', channel, { user: bob.user, access: 'owner' }));
  const past = await entries('--user', address);
  assert.ok(past.length > 4);
  assert.equal((await operatorCall(world.daemon, 'erase', address)).code, 0);
  // Nothing leads to an address: it is all there, by ids.
  const erased = await entries('--user', before.user);
  assert.deepEqual(erased.slice(0, past.length), past);
  assert.deepEqual((({ what, by, user }) => [what, by, user])(erased.at(-1)), ['user erased', 'operator', before.user]);
  assert.equal((await audit('--user', before.user)).stdout.includes('not shown'), false);

  await sleep(1100);  // a user's beginning is kept in whole seconds
  const again = await person(world, address);
  assert.equal(again.user, before.user, 'else this would prove nothing');
  for (const who of [address, again.user]) {
    assert.deepEqual((await entries('--user', who)).map(({ what }) => what), ['user made', 'device active']);
    assert.deepEqual((await entries('--user', who, '--since', past[0].at)).map(({ what }) => what), ['user made', 'device active']);
    const { stdout } = await audit('--user', who, '--json');
    assert.ok(JSON.parse(stdout).erased_before > erased.at(-1).at, stdout);
    assert.match((await audit('--user', who)).stdout, /^\(what was before \S+ is not shown: this user was erased, and came back\)\n/);
  }
  const life = await entries('--channel', channel);
  assert.ok(life.length > 5);
  assert.ok(!JSON.stringify(life).includes(again.user), 'nor by the channel');
  assert.deepEqual([life[0].what, life[0].by], ['channel made', 'erased']);
  const added = life.find(({ what, user }) => what === 'member added' && user === bob.user);
  assert.ok((await entries('--user', bob.user)).some(({ id }) => id === added.id), 'others\' past stays');
});

test('the life of devices is told by who ended them: a device, the mailbox, an operator', async () => {
  const owner = 'erin@example.com';
  const phone = await world.activate(world.device(owner));
  const device = async (name) => world.activate(world.device(owner, { name }));
  const [laptop, tablet, lost, other] = [await device('laptop'), await device('tablet'), await device('lost'), await device('other')];

  const { verifier } = newCredential();
  const rotate = { _id: `rotate-${phone.id}-1`, type: 'rotate', state: 'new', credential: verifier };
  assert.equal((await phone.request(`${world.handshake}/${rotate._id}`, { method: 'PUT', body: rotate })).status, 201);
  await waitFor(async () => (await world.stranger(`/${rotate._id}`)).body.state === 'done');
  await world.put(laptop, { ...await world.get(laptop, tablet.id), state: 'revoke', wipe: true });
  await tablet.waitFor('revoked');
  assert.equal((await operatorCall(world.daemon, 'revoke', lost.id)).code, 0);
  await lost.waitFor('revoked');
  assert.equal((await world.confirm(world.confirmOf(other, NOT_ME))).state, 'used');
  await other.waitFor('revoked');
  const unwanted = await world.register(world.device(owner, { name: 'not hers' }));
  await world.confirm(world.confirmOf(unwanted, NOT_ME));
  await unwanted.waitFor('rejected');
  const last = await world.activate(world.device(owner, { name: 'last' }), YES_ALONE);
  await laptop.waitFor('revoked');

  const user = phone.user;
  const lives = async (id) => (await entries('--device', id)).map(({ what, by, user: whose, wipe }) => [what, by === user ? 'user' : by, whose === user, wipe]);
  const active = ['device active', 'mailbox', true, undefined];
  assert.deepEqual(await lives(phone.id), [active, ['device rotated', 'user', true, undefined], ['device revoked', 'mailbox', true, undefined]]);
  assert.deepEqual(await lives(tablet.id), [active, ['device revoked', 'user', true, true]]);
  assert.deepEqual(await lives(lost.id), [active, ['device locked out', 'operator', true, undefined], ['device revoked', 'operator', true, undefined]]);
  assert.deepEqual(await lives(other.id), [active, ['device revoked', 'mailbox', true, undefined]]);
  assert.deepEqual(await lives(unwanted.id), [['device rejected', 'mailbox', false, undefined]]);
  assert.deepEqual(await lives(last.id), [active]);
  const whats = (await entries('--user', owner)).map(({ what }) => what);
  assert.equal(whats[0], 'user made');
  assert.equal(whats.length, 1 + 6 + 1 + 1 + 5, whats.join());
  assert.deepEqual((await entries('--user', user)).length, whats.length);
});

test('entries are read from a time on and page by page, or the last ones', async () => {
  const all = await entries('--limit', '10000');
  assert.deepEqual(all.map(({ at }) => at), all.map(({ at }) => at).sort());
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  assert.deepEqual(await entries('--limit', '3'), all.slice(-3));
  const from = all[Math.floor(all.length / 2)].at;
  assert.deepEqual(await entries('--since', from, '--limit', '10000'), all.filter(({ at }) => at >= from));
  const paged = [];
  for (let since = all[0].at; since;) {
    const { stdout } = await audit('--since', since, '--limit', '5', '--json');
    const { entries: some, more } = JSON.parse(stdout);
    for (const entry of some) if (!paged.some(({ id }) => id === entry.id)) paged.push(entry);
    since = more ? some.at(-1).at : null;
  }
  assert.deepEqual(paged, all);

  const { code, stdout } = await audit('--user', bob.user, '--limit', '2');
  assert.equal(code, 0);
  const [note, ...lines] = stdout.trimEnd().split('\n');
  assert.match(note, /there are older ones/);
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}\w+ [\w ]+ {2}by (?:[0-9a-f]{32}|erased) /);
  assert.equal((await audit('--user', 'nobody@example.com')).code, 1);
  assert.equal((await audit('--since', 'yesterday')).code, 2);
  assert.equal((await audit('--channel', 'x'.repeat(20))).stdout, 'no entry\n');
});

test('nobody changes or deletes an entry, and what a branch makes of it is seen', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  const entry = await waitFor(async () => (await written()).find((doc) => doc.channel === channel));
  const path = `/${encodeURIComponent(entry._id)}`;
  const forged = { ...entry, by: carol.user };
  assert.equal((await registry(path, { method: 'PUT', body: forged })).status, 403);
  assert.equal((await registry(`${path}?rev=${entry._rev}`, { method: 'DELETE' })).status, 403);
  const bulk = async (body) => (await registry('/_bulk_docs', { method: 'POST', body })).body[0];
  assert.equal((await bulk({ docs: [{ ...entry, _deleted: true }] })).error, 'forbidden');
  const [, hash] = entry._rev.split('-');
  const child = { ...forged, _rev: `2-${'f'.repeat(32)}`, _revisions: { start: 2, ids: ['f'.repeat(32), hash] } };
  assert.equal((await bulk({ new_edits: false, docs: [child] })).error, 'forbidden');
  assert.equal((await bulk({ new_edits: false, docs: [{ ...child, _deleted: true }] })).error, 'forbidden');
  assert.deepEqual((await registry(path)).body, entry);

  // A first revision beside it hangs on nothing, and CouchDB takes it.
  await bulk({ new_edits: false, docs: [{ ...forged, _rev: `1-${'f'.repeat(32)}`, _revisions: { start: 1, ids: ['f'.repeat(32)] } }] });
  assert.equal((await registry(path)).body.by, carol.user);
  const { code, stdout } = await audit('--channel', channel);
  assert.equal(code, 1);
  assert.match(stdout, /ALTERED/);
});

test('a parked document that is retried is told, by a digest', async () => {
  const failure = { type: 'failure', database: `${world.daemon.names.control_prefix}${alice.user}`, id: 'to-frank@example.com', rule: 'invitation/new', parked: true };
  const doc = { _id: failure.id, type: 'note', state: 'x' };
  const { rev } = await alice.put(doc);
  const attempts = { rev, count: 12, history: [{ time: '2026-01-01T00:00:00Z', reason: 'no' }] };
  const id = `failure-${sha256(`${failure.database}\n${failure.id}`)}`;
  assert.equal((await registry(`/${id}`, { method: 'PUT', body: { ...failure, attempts } })).status, 201);
  assert.equal((await operatorCall(world.daemon, 'retry', failure.id)).code, 0);
  const last = (await entries('--user', alice.user)).at(-1);
  assert.deepEqual([last.what, last.by, last.user, last.document], ['document retried', 'operator', alice.user, sha256(failure.id)]);
});

test('no address, no name and no code is in any entry', async () => {
  const text = JSON.stringify(await written());
  assert.ok((await written()).length > 30);
  for (const word of ['@', 'example', 'Garden', ...codes, 'phone', 'laptop', 'hers', alice.device.deviceCode, alice.device.link.code, alice.device.secret])
    assert.ok(!text.includes(word), word);
  for (const who of [alice, bob, carol]) assert.ok(!text.includes(sha256(who.address)), 'not even an address\' digest');
});

/** The daemon by way of a proxy, and killed at the request of which `when` holds, once the server has acted. */
async function killedAt(when, act) {
  const proxy = await startProxy(world.server.url);
  const ini = readFileSync(world.daemon.iniFile, 'utf8');
  const kill = new Promise((killed) => {
    proxy.loses = (request) => {
      if (!when(request)) return false;
      world.daemon.child.kill('SIGKILL');
      killed();
      return true;
    };
  });
  try {
    writeFileSync(world.daemon.iniFile, ini.replace(/^url = .*$/m, `url = ${proxy.url}\npublic_url = ${world.server.url}`));
    await world.daemon.restart();
    await act();
    await kill;
    await world.daemon.exited;
  } finally {
    writeFileSync(world.daemon.iniFile, ini);
    await proxy.close();
    world.daemon.start();
    await world.daemon.waitUntilReady();
  }
}

test('a daemon that is killed right after the change, or right after the entry, leaves one', async () => {
  const isOfRegistry = ({ path }) => path.startsWith(`/${world.daemon.names.registry_db}/_bulk_docs`);
  for (const [moment, when] of [
    ['the change', (request) => isOfRegistry(request) && /"type":"channel".*"what":"member removed"/.test(request.body)],
    ['the entry', (request) => isOfRegistry(request) && /\{"_id":"audit-[^{}]*"what":"member removed"|"what":"member removed"[^{}]*"_id":"audit-/.test(request.body) && !request.body.includes('"type":"channel"')],
  ]) {
    const { _id: channel } = await world.makeChannel(alice.device);
    await join(channel, bob, 'writer');
    const doc = { _id: `out-${channel}`, type: 'member', state: 'remove', channel, user: bob.user };
    await killedAt(when, () => alice.put(doc));
    // A new lease is nobody's to wait for: the rule is safe.
    done(await alice.settled(doc._id, ['done', 'error'], { timeout: 60000 }));
    const removals = () => written().then((docs) => docs.filter((entry) => entry.channel === channel && entry.what === 'member removed'));
    await waitFor(async () => (await removals()).length > 0, { what: `the entry after ${moment}` });
    assert.equal((await removals()).length, 1, moment);
    assert.equal((await entries('--channel', channel)).filter(({ what }) => what === 'member removed').length, 1, moment);
  }
});

test('an entry is seen while only the record has it', async () => {
  const { _id: channel } = await world.makeChannel(alice.device);
  await join(channel, carol, 'writer');
  const doc = { _id: `gone-${channel}`, type: 'member', state: 'leave', channel };
  await killedAt((request) => request.path.includes('_bulk_docs') && /"type":"channel".*"what":"member left"/.test(request.body), async () => {
    await carol.put(doc);
  });
  assert.deepEqual((await entries('--channel', channel)).filter(({ what }) => what === 'member left').map(told), ['member left by carol carol']);
});

// template_db: what a new channel is made with, and how a change of it reaches the channels that are there.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { onceHeard, waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { person } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

const TEMPLATE = `t${randomBytes(4).toString('hex')}-template`;
let world, alice;
before(async () => {
  world = await startWorld({ channels: { template_db: TEMPLATE } });
  alice = await person(world, 'alice@example.com');
});
after(async () => {
  await world?.daemon.request(`/${TEMPLATE}`, { method: 'DELETE' });
  await world?.close();
});

const admin = (path, options) => world.daemon.request(path, options);
const inRegistry = async (id) => (await admin(`/${world.daemon.names.registry_db}/${id}`)).body;
const inChannel = (channel, path, options) => admin(`/${world.daemon.names.channel_prefix}${channel}${path}`, options);
const docIn = async (channel, id) => {
  const { status, body } = await inChannel(channel, `/${id}`);
  return status === 200 ? body : null;
};
const rollout = () => inRegistry('rollout');
const call = (...args) => operatorCall(world.daemon, 'rollout', ...args);
const status = async () => JSON.parse((await call('status', '--json')).stdout);

/** Overwrites, or deletes where the document is null, all at once. Gives the version before. */
async function changeTemplate(docs) {
  const { version } = await rollout();
  const { body } = await admin(`/${TEMPLATE}/_all_docs`, { method: 'POST', body: { keys: Object.keys(docs) } });
  const revs = Object.fromEntries(body.rows.filter(({ value }) => value && !value.deleted).map(({ id, value }) => [id, value.rev]));
  const saved = await admin(`/${TEMPLATE}/_bulk_docs`, { method: 'POST', body: { docs: Object.entries(docs).map(([_id, doc]) =>
    ({ _id, ...(revs[_id] ? { _rev: revs[_id] } : {}), ...(doc ?? { _deleted: true }) })) } });
  assert.ok(saved.body.every(({ ok }) => ok), saved.text);
  return version;
}

/** Until the rollout after `before` (its version) is in one of these states. */
function settled(before, states = ['done']) {
  return waitFor(async () => {
    const doc = await rollout();
    return doc.version !== undefined && doc.version !== before && states.includes(doc.state) && doc;
  }, { what: `a rollout after ${before} to be ${states}`, timeout: 90000 });
}

const change = async (docs) => settled(await changeTemplate(docs));
const makeChannels = async (count) => {
  const made = await Promise.all(Array.from({ length: count }, () => world.makeChannel(alice.device)));
  return made.map(({ _id, state, error }) => { assert.equal(state, 'ready', JSON.stringify(error)); return _id; });
};
const map = (key) => `function (doc) { if (doc.kind) emit(${key}, null); }`;
const design = (views) => ({ language: 'javascript', views: Object.fromEntries(Object.entries(views).map(([name, key]) => [name, { map: map(key) }])) });
const removeFrom = async (channels, id) => {
  for (const channel of channels) {
    const { _rev } = await docIn(channel, id);
    assert.equal((await inChannel(channel, `/${id}?rev=${_rev}`, { method: 'DELETE' })).status, 200);
  }
};

test('a channel is made with the template\'s documents and their attachments', async () => {
  assert.equal((await status()).state, 'none');
  assert.match(world.daemon.output, new RegExp(`template_db = ${TEMPLATE}: .*404`));
  assert.equal((await admin(`/${TEMPLATE}`, { method: 'PUT' })).status, 201);
  const data = Buffer.from('hello '.repeat(100)).toString('base64');
  await change({
    '_design/app': design({ by_kind: 'doc.kind' }), greeting: { text: 'hi' }, '_design/app.next': design({ not: '1' }),
    welcome: { kind: 'page', text: 'Welcome', _attachments: { 'page.txt': { content_type: 'text/plain', data } } },
  });
  const [channel] = await makeChannels(1);
  assert.equal((await docIn(channel, 'greeting')).text, 'hi');
  assert.equal((await inChannel(channel, '/welcome/page.txt')).text, 'hello '.repeat(100));
  assert.equal((await inChannel(channel, '/_design/app/_view/by_kind')).body.rows.length, 1);
  assert.equal(await docIn(channel, '_design/app.next'), null);
  assert.equal((await docIn(channel, 'description')).type, 'description');
  assert.ok((await docIn(channel, '_design/channels')).validate_doc_update);
  assert.equal((await inRegistry(`channel-${channel}`)).template, (await rollout()).version);
  assert.match((await docIn(channel, 'welcome'))._rev, /^1-/);
});

test('a change reaches every channel; what somebody made of a document there is kept and reported', async () => {
  const channels = await makeChannels(6);
  const [changed, deleted, taken, ...others] = channels;
  await alice.ask(changed, '/welcome', { method: 'PUT', body: { ...await docIn(changed, 'welcome'), text: 'My own' } });
  await alice.ask(changed, '/greeting', { method: 'PUT', body: { ...await docIn(changed, 'greeting'), text: 'hi there' } });
  await removeFrom([deleted], 'welcome');
  await alice.ask(taken, '/news', { method: 'PUT', body: { text: 'mine' } });
  const { version, kept } = await change({ '_design/app': design({ by_kind: 'doc.kind', by_text: 'doc.text' }), welcome: { kind: 'page', text: 'Come in' }, news: { text: 'new' }, greeting: null });

  assert.equal((await docIn(changed, 'welcome')).text, 'My own');
  assert.equal((await docIn(changed, 'greeting')).text, 'hi there');
  assert.equal(await docIn(deleted, 'welcome'), null);
  assert.equal((await docIn(taken, 'news')).text, 'mine');
  for (const channel of channels) {
    assert.equal((await inRegistry(`channel-${channel}`)).template, version);
    assert.ok((await docIn(channel, '_design/app')).views.by_text, 'the design document is the new one');
    assert.equal(await docIn(channel, '_design/app.next'), null);
    if (channel !== taken) assert.equal((await docIn(channel, 'news')).text, 'new');
    if (channel !== changed) assert.equal(await docIn(channel, 'greeting'), null);
  }
  for (const channel of others) assert.equal((await docIn(channel, 'welcome')).text, 'Come in');
  assert.equal(kept, 4);
  const { reports, channels: counts } = await status();
  assert.deepEqual(new Set(reports.map(({ channel, id, what }) => `${channel} ${id} ${what}`)),
    new Set([`${changed} welcome changed`, `${changed} greeting changed`, `${deleted} welcome deleted`, `${taken} news taken`]));
  assert.deepEqual(counts, { all: 7, have: 7, failed: 0, waiting: 0 });
  assert.match((await call('status')).stdout, new RegExp(`template ${version}: done\n.*7 of 7 channels have it.*4 documents kept\n[^]*kept: news in channel ${taken}, taken there`));
});

test('what a later version changes is brought to channels that somebody changed only where he did not', async () => {
  const [channel] = await makeChannels(1);
  const welcome = await docIn(channel, 'welcome');
  await alice.ask(channel, '/welcome', { method: 'PUT', body: { ...welcome, text: 'For now' } });
  await change({ welcome: { kind: 'page', text: 'Third' } });
  assert.equal((await docIn(channel, 'welcome')).text, 'For now');
  // Put back to what the template once had, it follows the template again.
  const { _rev } = await docIn(channel, 'welcome');
  await alice.ask(channel, '/welcome', { method: 'PUT', body: { ...welcome, _rev } });
  await change({ welcome: { kind: 'page', text: 'Fourth' } });
  assert.equal((await docIn(channel, 'welcome')).text, 'Fourth');
});

test('whoever reads a view meets the new one with its index built', async () => {
  const [channel] = await makeChannels(1);
  const docs = Array.from({ length: 3000 }, (_, n) => ({ _id: `item-${n}`, kind: `kind ${n % 7}` }));
  await inChannel(channel, '/_bulk_docs', { method: 'POST', body: { docs } });
  const all = docs.length + 1;  // and the page
  assert.equal((await inChannel(channel, '/_design/app/_view/by_kind?limit=1')).body.total_rows, all);
  const before = await changeTemplate({ '_design/app': design({ by_kind: 'doc.kind', by_length: 'doc.kind.length' }) });
  // Without bringing the index up: what is built is shown.
  const answers = [];
  const first = await waitFor(async () => {
    const [{ status: known, body: { total_rows: rows } }, old] = await Promise.all([
      inChannel(channel, '/_design/app/_view/by_length?limit=1&update=false'), inChannel(channel, '/_design/app/_view/by_kind?limit=1&update=false')]);
    answers.push(old.body.total_rows);
    return known === 200 && { rows };
  }, { interval: 1, what: 'the new view' });
  assert.equal(first.rows, all);
  assert.deepEqual([...new Set(answers)], [all], 'the view that there was is never without its rows');
  await settled(before);
});

const allChannels = async () => (await admin('/_all_dbs')).body.filter((name) => name.startsWith(world.daemon.names.channel_prefix))
  .map((name) => name.slice(world.daemon.names.channel_prefix.length));

// A channel in which the change is not in force yet would take what it should refuse, or refuse what it should take.
const probe = (channel, status) => onceHeard(status, () => inChannel(channel, '', { method: 'POST', body: { probe: true } }));

/** Those channels take no document "extra"; gives them. */
async function refuseExtras(channels) {
  const refuse = 'function (doc) { if ((doc._id === "extra" || doc.probe) && !doc._deleted) throw {forbidden: "no extras"}; }';
  for (const channel of channels) assert.equal((await inChannel(channel, '/_design/strict', { method: 'PUT', body: { validate_doc_update: refuse } })).status, 201);
  for (const channel of channels) await probe(channel, 403);
  return channels;
}

async function takeExtras(channels) {
  await removeFrom(channels, '_design/strict');
  for (const channel of channels) await probe(channel, 201);
}

test('a wave in which channels fail stops; resumed it goes on, and it can be rolled back', async () => {
  const channels = await makeChannels(4);
  const { channels: { all } } = await status();
  const everywhere = await refuseExtras(await allChannels());
  const { version: good } = await rollout();
  const before = await changeTemplate({ news: { text: 'newer' }, extra: { text: 'more' } });
  const stopped = await settled(before, ['stopped']);
  assert.equal(stopped.wave, 1);
  assert.match(stopped.reason, /^1 of the 1 channels of wave 1 failed, .*no extras/);
  const asked = await call('status');
  assert.equal(asked.code, 1);
  assert.match(asked.stdout, /stopped, wave 1 of 3\n[^]*failed: channel [0-9a-f]{32}: .*no extras/);
  assert.deepEqual((await status()).channels, { all, have: 0, failed: 1, waiting: all - 1 });
  assert.match(world.daemon.output, /the rollout has stopped: 1 of the 1/);

  await takeExtras(everywhere);
  assert.equal((await call('resume')).code, 0);
  await settled(before);
  for (const channel of channels) assert.equal((await docIn(channel, 'extra')).text, 'more');
  assert.deepEqual((await status()).channels, { all, have: all, failed: 0, waiting: 0 });

  assert.equal((await call('back')).code, 0);
  await settled(stopped.version);
  const back = await status();
  assert.deepEqual([back.version, back.back, back.channels.have], [good, true, all]);
  for (const channel of channels) {
    assert.equal((await docIn(channel, 'news')).text, 'new');
    assert.equal(await docIn(channel, 'extra'), null);
  }
  assert.equal((await call('back')).code, 1, 'not twice');
  // New channels get what the others have, and the template's next change goes on from there.
  const [late] = await makeChannels(1);
  assert.equal((await docIn(late, 'news')).text, 'new');
  await change({ news: { text: 'good' }, extra: null });
  for (const channel of [late, ...channels]) assert.equal((await docIn(channel, 'news')).text, 'good');
});

test('a rollout that stops again is taken back from there, before anybody mended what stopped it', async () => {
  const everywhere = await refuseExtras(await allChannels());
  const { version: good } = await rollout();
  const before = await changeTemplate({ news: { text: 'worse' }, extra: { text: 'again' } });
  const stopped = await settled(before, ['stopped']);
  assert.deepEqual([stopped.wave, stopped.version !== good], [1, true]);
  // What is tried again fails again.
  assert.equal((await call('resume')).code, 0);
  await waitFor(async () => {
    const { state, attempt } = await rollout();
    return state === 'stopped' && attempt > stopped.attempt;
  }, { what: 'the second stop' });

  assert.equal((await call('back')).code, 0);
  await settled(stopped.version);
  const back = await status();
  assert.deepEqual([back.state, back.version, back.back, back.channels], ['done', good, true, { all: everywhere.length, have: everywhere.length, failed: 0, waiting: 0 }]);
  for (const channel of everywhere) {
    assert.ok(['good', 'mine'].includes((await docIn(channel, 'news')).text), channel);
    assert.equal(await docIn(channel, 'extra'), null);
  }
  await takeExtras(everywhere);
  await change({ news: { text: 'good again' }, extra: null });
  await waitFor(async () => (await status()).channels.have === everywhere.length, { what: 'the next change everywhere' });
});

/** A rollout that is cut off after its first wave; gives the version before it. */
async function cutOff(text) {
  const before = await changeTemplate({ '_design/app': design({ by_kind: 'doc.kind', by_length: 'doc.kind.length', by_both: `[doc.kind, '${text}']` }), news: { text } });
  const running = await waitFor(async () => {
    const doc = await rollout();
    return doc.version !== before && doc.visited > 0 && doc;
  }, { interval: 1, what: 'a wave' });
  await world.daemon.kill();
  assert.equal(running.state, 'running');
  const counts = (await status()).channels;
  assert.ok(counts.waiting > 0, JSON.stringify(counts));
  return { before, counts };
}

async function expectEverywhere(text) {
  const { body } = await admin(`/${world.daemon.names.registry_db}/_design/channels/_view/channels_by_template?reduce=false`);
  assert.ok(body.rows.length > 5);
  for (const { id } of body.rows) {
    const channel = id.slice('channel-'.length);
    assert.equal((await docIn(channel, 'news')).text === text || (await docIn(channel, 'news')).text === 'mine', true, channel);
    assert.equal(await docIn(channel, '_design/app.next'), null);
    assert.ok((await docIn(channel, '_design/app')).views.by_both.map.includes(text), channel);
  }
}

test('a rollout that is paused stands still, also over a restart, and goes on where it was', async () => {
  await makeChannels(6);
  const { before, counts } = await cutOff('paused');
  const paused = await call('pause');
  assert.equal(paused.code, 0, paused.stderr);
  world.daemon.start();
  await world.daemon.waitUntilReady();
  const [made] = await makeChannels(1);
  assert.equal((await docIn(made, 'news')).text, 'paused', 'a new channel has the new version');
  const { state, channels } = await status();
  assert.deepEqual([state, channels.waiting], ['paused', counts.waiting]);
  assert.equal((await call('resume')).code, 0);
  await settled(before);
  await expectEverywhere('paused');
  assert.equal((await call('pause')).code, 1, 'it is done');
});

test('a rollout whose worker died is taken over', async () => {
  const { before } = await cutOff('died');
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await settled(before);
  await expectEverywhere('died');
});

test('what anybody can write to, and what has become empty, is not rolled out', async () => {
  const { version } = await rollout();
  const closed = (await admin(`/${TEMPLATE}/_security`)).body;
  const open = { admins: { names: [], roles: ['_admin'] }, members: { names: [], roles: [] } };
  assert.equal((await admin(`/${TEMPLATE}/_security`, { method: 'PUT', body: open })).status, 200);
  await changeTemplate({ news: { text: 'from a stranger' } });
  await waitFor(() => /is open to everybody.*it is not rolled out/.test(world.daemon.output), { what: 'a warning' });
  const { stdout } = await operatorCall(world.daemon, 'doctor', '--json');
  const { checks } = JSON.parse(stdout);
  assert.equal(checks.find(({ name }) => name === 'template')?.result, 'fault', stdout);
  assert.equal((await rollout()).version, version);

  await admin(`/${TEMPLATE}/_security`, { method: 'PUT', body: closed });
  const { body } = await admin(`/${TEMPLATE}/_all_docs`);
  await changeTemplate(Object.fromEntries(body.rows.map(({ id }) => [id, null])));
  await waitFor(() => /has no documents any more/.test(world.daemon.output), { what: 'a warning' });
  assert.equal((await rollout()).version, version);
});

test('bad calls are told what is wrong, with exit code 2', async () => {
  assert.equal((await call('forward')).code, 2);
});

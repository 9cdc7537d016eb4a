// A person is erased on request: afterwards nothing in any database, in any revision, has the address or its digest.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from '../lib/daemon.mjs';
import { newCredential, sha256 } from '../lib/device.mjs';
import { waitFor } from '../lib/net.mjs';
import { operatorCall } from '../lib/operator.mjs';
import { channelUrl, person } from '../lib/people.mjs';
import { everyText } from '../lib/secrets.mjs';
import { newChannelId, startWorld } from '../lib/world.mjs';

const ALICE = 'alice@example.com';
const DIGEST = sha256(ALICE);
const NAME = 'Alice in Wonderland';
// Not malice@example.com.
const ADDRESS = /(?<![a-z0-9._+-])alice@example\.com(?![a-z0-9-])/i;

let world, alice, bob, carol, eve, frank, gina;
const channels = {};

/** Where the address or its digest is, in whatever letters. */
async function traces() {
  const ours = new Set(await world.daemon.databases());
  const texts = await everyText(world.server, (name) => ours.has(name) || name === '_users');
  return texts.filter(({ text }) => ADDRESS.test(text) || text.includes(DIGEST) || text.includes(NAME)).map(({ where }) => where);
}

async function share(owner, name, ...others) {
  const { _id } = await world.makeChannel(owner.device, { name });
  for (const [who, access] of others) {
    assert.equal((await owner.invite(_id, who.address, access)).state, 'sent');
    await who.accept(_id);
  }
  return _id;
}

const database = (who) => who.device.control;
const asAdmin = (path, options) => world.daemon.request(path, options);
const replicate = async (url, doc) => {
  const { status, text } = await asAdmin(new URL(url).pathname + '/_bulk_docs', { method: 'POST', body: { new_edits: false, docs: [doc] } });
  assert.equal(status, 201, text);
};

const idOfContact = (n) => `contact ${n} ${ALICE}`;

/** Everything that names Alice somewhere. */
async function fillWorld() {
  channels.handed = await share(alice, 'Choir', [bob, 'writer'], [carol, 'owner']);
  // Times are whole seconds, and Bob is to be in it longer.
  const second = Math.floor(Date.now() / 1000);
  await waitFor(() => Math.floor(Date.now() / 1000) > second);
  await alice.change('change', channels.handed, { user: carol.user, access: 'writer' });
  channels.owned = await share(alice, 'Trips', [bob, 'reader'], [carol, 'owner']);
  channels.own = await share(alice, 'Diary');
  channels.deleted = await share(alice, 'Old diary');
  await alice.say(await alice.get(channels.deleted), 'delete', ['deleted']);
  channels.member = await share(bob, 'Club', [alice, 'writer'], [carol, 'reader']);
  // What the others are shown of her, in more than one revision.
  await alice.put({ _id: 'profile', type: 'profile', state: 'new', name: NAME });
  await alice.settled('profile', ['ready']);
  for (const shows of ['addresses', 'nothing', 'addresses'])
    assert.equal((await bob.change('show', channels.member, { shows })).state, 'done');
  await carol.seen(channels.member, ({ members }) => members.some(({ name, address }) => name === NAME && address === ALICE));
  channels.left = await share(bob, 'Former', [alice, 'reader']);
  await alice.change('leave', channels.left);
  channels.waiting = await share(bob, 'Waiting');
  await bob.invite(channels.waiting, 'Alice@Example.com');
  await alice.invitation(channels.waiting);
  await alice.invite(channels.owned, 'dave@example.com');
  assert.equal((await bob.invite(channels.member, ALICE)).error.error, 'is_member');
  await fillPast();
  // What an app keeps there, by whatever id, in a branch, in a deletion.
  await carol.put({ _id: 'contact', type: 'contact', state: 'any', mail: 'ALICE@example.com', others: ['malice@example.com'] });
  await carol.put({ _id: 'branched', type: 'contact', state: 'any' });
  await replicate(database(carol), { _id: 'branched', type: 'contact', state: 'any', mail: ALICE, _rev: `1-${'0'.repeat(32)}` });
  await replicate(database(carol), { _id: 'buried', _deleted: true, mail: ALICE, _rev: `4-${'a'.repeat(32)}` });
  // CouchDB keeps the id that was purged last: whichever shard it is in, it has the address.
  for (let n = 0; n < 12; ++n) await carol.put({ _id: idOfContact(n), type: 'contact', state: 'any' });
}

/** Who has nothing of her any more but revisions of before, and who had her channel through a group. */
async function fillPast() {
  const showsAlice = (who, channel) => who.seen(channel, ({ members = [] }) => members.some(({ address }) => address === ALICE));
  const left = await share(eve, 'Evenings', [alice, 'writer']);
  await eve.change('show', left, { shows: 'addresses' });
  await showsAlice(eve, left);
  await alice.change('leave', left);
  await eve.seen(left, ({ members }) => members.length === 1);

  const group = newChannelId();
  await carol.put({ _id: group, type: 'group', state: 'new', name: 'Crew' });
  await carol.settled(group, ['ready']);
  await carol.invite(group, frank.address, 'reader');
  await frank.accept(group);
  channels.grouped = await share(carol, 'Regatta', [alice, 'writer']);
  assert.equal((await carol.change('change', channels.grouped, { group, access: 'reader' })).state, 'done');
  await carol.change('show', channels.grouped, { shows: 'addresses' });
  await showsAlice(frank, channels.grouped);

  assert.equal((await alice.invite(channels.own, gina.address, 'reader')).state, 'sent');
  const declined = await gina.say(await gina.invitation(channels.own), 'decline', ['declined']);
  const { status } = await gina.device.request(`${database(gina)}/${declined._id}?rev=${declined._rev}`, { method: 'DELETE' });
  assert.equal(status, 200);
}

async function fillHandshake() {
  const waiting = await world.register(world.device(ALICE, { name: 'waiting' }));
  const refused = await world.register(world.device(ALICE, { name: 'refused' }));
  await world.confirm(world.confirmOf(refused, 'not me'));
  // Anybody can add branches: one to a device that is active, one that nobody registered in earnest.
  const [phone] = alice.devices;
  await replicate(world.handshake, { ...phone.document(), _rev: `1-${'b'.repeat(32)}` });
  const { verifier } = newCredential();
  await replicate(world.handshake, { _id: 'f'.repeat(64), type: 'device', state: 'new', owner: ALICE, credential: verifier, _rev: `1-${'c'.repeat(32)}` });
  await asAdmin(`/${world.daemon.names.registry_db}/failure-${'1'.repeat(64)}`, { method: 'PUT', body: { type: 'failure', database: 'x', id: 'y', parked: true, reason: `550 <${ALICE}>: unknown` } });
  return waiting;
}

async function startFilled() {
  world = await startWorld({ channels_mail: { mail_per_address: 20 } });
  alice = await person(world, ALICE, { devices: 2 });
  [bob, carol, eve, frank, gina] = await Promise.all(['bob', 'carol', 'eve', 'frank', 'gina'].map((name) => person(world, `${name}@example.com`)));
  await fillWorld();
  await fillHandshake();
}

const erase = async () => {
  const { code, stdout, stderr } = await operatorCall(world.daemon, 'erase', 'ALICE@example.com', '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
};
const touches = (report, name, document) => report.touched.some((thing) => thing.database === name && (document === undefined || thing.document === document));

describe('somebody with all that one can have', () => {
  let report;
  before(async () => {
    await startFilled();
    const found = await traces();
    for (const name of [bob, carol, eve, frank, gina].map((who) => new URL(database(who)).pathname.slice(1)).concat(Object.values(world.daemon.names).slice(0, 2)))
      assert.ok(found.some((where) => where.includes(name)), `the search sees ${name}`);
    report = await erase();
  });
  after(() => world?.close());

  test('the address is nowhere', async () => {
    assert.deepEqual(await traces(), []);
  });

  test('what became of her devices and channels is told by the audit, by ids', async () => {
    const { stdout } = await operatorCall(world.daemon, 'audit', '--json');
    const told = JSON.parse(stdout).entries.filter(({ by }) => by === 'operator').map(({ what, user, channel }) => [what, user, channel]);
    const has = (...entry) => assert.ok(told.some((each) => JSON.stringify(each) === JSON.stringify(entry)), `${entry} in ${JSON.stringify(told)}`);
    has('device revoked', alice.user, undefined);
    has('member removed', alice.user, channels.owned);
    has('member handed over', bob.user, channels.handed);
    has('channel deleted', undefined, channels.own);
    has('user erased', alice.user, undefined);
  });

  test('no log-in is left, and the devices are told', async () => {
    for (const device of alice.devices) {
      assert.equal((await device.request(`${world.server.url}/_session`)).status, 401);
      assert.equal((await device.read()).state, 'revoked');
    }
    assert.equal((await asAdmin(new URL(database(alice)).pathname)).status, 404);
  });

  test('her channels are others\', or gone; nobody shows her as a member', async () => {
    const members = async (who, channel) => (await who.get(channel)).members.map(({ user, access }) => [user, access]);
    assert.deepEqual(await members(carol, channels.handed), [[bob.user, 'owner'], [carol.user, 'writer']]);
    assert.deepEqual(await members(bob, channels.owned), [[carol.user, 'owner'], [bob.user, 'reader']]);
    assert.deepEqual(await members(carol, channels.member), [[bob.user, 'owner'], [carol.user, 'reader']]);
    for (const channel of [channels.own, channels.deleted]) {
      assert.equal((await asAdmin(new URL(channelUrl(world, channel)).pathname)).status, 404);
      const { body } = await asAdmin(`/${world.daemon.names.registry_db}/channel-${channel}`);
      assert.deepEqual(Object.keys(body).filter((key) => key !== 'audit').sort(), ['_id', '_rev', 'ended', 'state', 'type']);
    }
    for (const channel of [channels.handed, channels.owned, channels.member, channels.left]) {
      // Entries of the audit stay, and are in the record until the hourly work takes them out.
      const { body: { audit, ...kept } } = await asAdmin(`/${world.daemon.names.registry_db}/channel-${channel}`);
      const record = { text: JSON.stringify(kept) };
      const security = await asAdmin(`${new URL(channelUrl(world, channel)).pathname}/_security`);
      assert.ok(!record.text.includes(alice.user) && !security.text.includes(alice.user), record.text + security.text);
    }
    await bob.put({ ...await bob.get(channels.handed), name: 'Quartet' });
    await carol.seen(channels.handed, ({ name, error }) => name === 'Quartet' && !error);
  });

  test('what others have is left, without her', async () => {
    const contact = await carol.get('contact');
    assert.deepEqual([contact.mail, contact.others], ['(erased)', ['malice@example.com']]);
    for (let n = 0; n < 12; ++n) assert.equal(await carol.get(idOfContact(n)), null);
    assert.equal((await carol.get('branched')).type, 'contact');
    const { body } = await bob.device.request(`${database(bob)}/_all_docs?include_docs=true`);
    assert.deepEqual(body.rows.filter(({ doc }) => doc.type === 'invitation' && doc.channel === channels.waiting), []);
  });

  test('the report names each database and document, and what it cannot reach', () => {
    const { registry_db: registry, handshake_db: handshake } = world.daemon.names;
    const control = (who) => new URL(database(who)).pathname.slice(1);
    assert.equal(report.user, alice.user);
    for (const [name, document] of [
      ['_users', `org.couchdb.user:device-${alice.devices[1].id}`], [registry, `address-${DIGEST}`], [registry, `user-${alice.user}`], [registry, `channel-${channels.handed}`],
      [registry, `failure-${'1'.repeat(64)}`], [handshake, alice.device.id], [control(alice), ''], [control(carol), 'contact'], [control(carol), 'buried'],
      [control(carol), channels.member], [control(frank), channels.grouped], [`${world.daemon.names.channel_prefix}${channels.own}`, ''], [`${world.daemon.names.channel_prefix}${channels.handed}`, '_security'],
    ]) assert.ok(touches(report, name, document), `${name} ${document} in ${JSON.stringify(report.touched)}`);
    assert.match(report.not_reached.join(' '), /Backups.*Devices.*Logs/s);
    assert.deepEqual(report.compacting, []);
  });

  test('a second time there is nothing left to do', async () => {
    assert.deepEqual((await erase()).touched, []);
    const { code, stdout } = await operatorCall(world.daemon, 'erase', 'nobody at all');
    assert.equal(code, 1);
    assert.match(stdout, /is no e-mail address/);
  });

  test('a device that was away brings an invitation back without her', async () => {
    const id = `invitation-${'9'.repeat(64)}`;
    await replicate(database(bob), { _id: id, type: 'invitation', state: 'accept', channel: channels.own, from: ALICE, _rev: `3-${'d'.repeat(32)}` });
    const doc = await bob.settled(id, ['error']);
    assert.deepEqual([doc.error.error, doc.from], ['unknown_invitation', undefined]);
  });

  test('she may come back, as somebody new', async () => {
    const again = await person(world, ALICE);
    const { body } = await again.device.request(`${database(again)}/_all_docs?include_docs=true`);
    assert.deepEqual(body.rows.map(({ doc }) => doc.type).filter((type) => type !== undefined && type !== 'device'), []);
    for (const channel of Object.values(channels)) assert.ok([403, 404].includes((await again.ask(channel)).status), channel);
    await share(again, 'Choir');
  });
});

describe('killed at any moment', () => {
  before(startFilled);
  after(() => world?.close());

  /** True if it came to its end before that. */
  async function eraseFor(milliseconds) {
    const child = spawn(PROGRAM, ['erase', ALICE, '--json', ...world.daemon.iniFiles().flatMap((file) => ['--ini', file])], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const how = await Promise.race([ended, sleep(milliseconds, 'late')]);
    if (how !== 'late') return how === 0;
    child.kill('SIGKILL');
    await ended;
    return false;
  }

  test('the next call comes to the same end, and reports the whole', async () => {
    const control = new URL(database(alice)).pathname.slice(1);
    let kills = 0;
    // Each time a little later: in every step once.
    for (let time = 30; !(await asAdmin(`/${control}`).then(({ status }) => status === 404)); time += 30) {
      await eraseFor(time);
      kills += 1;
    }
    assert.ok(kills > 2, 'it was killed on its way');
    const found = await traces();
    assert.ok(found.length > 0, 'not all was done yet');
    const report = await erase();
    assert.deepEqual(await traces(), []);
    assert.ok(touches(report, control, ''), 'what an earlier run did');
    assert.ok(touches(report, '_users', `org.couchdb.user:device-${alice.device.id}`));
    await waitFor(async () => (await carol.get(channels.handed)).members.length === 2);
    assert.deepEqual((await erase()).touched, []);
  });
});

// What `doctor` finds that belongs to nothing any more.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { operatorCall } from '../lib/operator.mjs';
import { person } from '../lib/people.mjs';
import { startWorld } from '../lib/world.mjs';

let world, alice, channel, names;
before(async () => {
  world = await startWorld();
  alice = await person(world, 'alice@example.com');
  ({ _id: channel } = await world.makeChannel(alice.device, { name: 'Fun' }));
  names = world.daemon.names;
});
after(() => world?.close());

const random = () => randomBytes(16).toString('hex');

/** Each line about orphans: [result, found, [what to do]]. */
async function orphans() {
  const { stdout, stderr } = await operatorCall(world.daemon, 'doctor', '--json');
  assert.ok(stdout, stderr);
  return JSON.parse(stdout).checks.filter(({ name }) => name === 'orphans').map((check) => [check.result, check.found, check.do]);
}

const admin = async (path, options, expected = [200, 201, 202]) => {
  const { status, text, body } = await world.daemon.request(path, options);
  assert.ok(expected.includes(status), `${path}: ${status} ${text}`);
  return body;
};
const put = (path, body = {}) => admin(path, { method: 'PUT', body });

/** Found as that, by a line that names it. */
function has(found, result, words, name) {
  const line = found.find(([, text]) => text.startsWith(words));
  assert.ok(line, `${words} in ${JSON.stringify(found)}`);
  assert.equal(line[0], result, line[1]);
  assert.ok(line[1].includes(name), line[1]);
  assert.ok(line[2].length > 0, 'says what to do');
}

test('in order nothing is found; another installation\'s log-ins are no fault', async () => {
  for (const [result, found] of await orphans()) {
    if (result !== 'ok') assert.match(found, /^log-ins that the registry knows nothing of/);
  }
});

test('each orphan is found and named', async () => {
  const { registry_db: registry } = names;
  const [id, user, device, past] = [random(), random(), random().repeat(2), random()];
  await put(`/${names.channel_prefix}${id}`);
  await put(`/${names.control_prefix}${user}`);
  await put(`/${registry}/channel-${past}`, { type: 'channel', state: 'ready', user: alice.user, name: 'Lost' });
  await put(`/${registry}/user-${past}`, { type: 'user', state: 'active', user: past, address: 'x' });
  await put(`/${registry}/channelname-${past}`, { type: 'channelname', channel: id, user });
  await put(`/${registry}/channel-${'0'.repeat(20)}`, { type: 'channel', state: 'deleted', user: alice.user, until: '2020-01-01T00:00:00Z' });
  await put(`/${registry}/erasure-${past}`, { type: 'erasure', state: 'running', user: past });
  await put(`/_users/org.couchdb.user:device-${device}`, { type: 'user', name: `device-${device}`, roles: [alice.role], password: 'x' });
  await put(`/_users/org.couchdb.user:device-${past}`, { type: 'user', name: `device-${past}`, roles: [`user:${user}`], password: 'x' });
  // While the daemon is off, which would put it right.
  await world.daemon.stop();
  const record = await admin(`/${registry}/channel-${channel}`);
  await put(`/${registry}/channel-${channel}`, { ...record, members: { [user]: { access: 'owner' } } });
  const found = await orphans();
  has(found, 'note', 'channel databases that the registry knows no channel of, 1 of ', `${names.channel_prefix}${id}`);
  has(found, 'note', 'control databases that the registry knows no user of, 1 of ', `${names.control_prefix}${user}`);
  has(found, 'fault', 'channels whose database is not there', `${names.channel_prefix}${past}`);
  has(found, 'fault', 'users whose control database is not there, 1 of ', `${names.control_prefix}${past}`);
  has(found, 'note', 'claims of names that no channel has, 1 of ', `channelname-${past}`);
  has(found, 'note', 'deleted channels whose time is over are still there, 1:', '0'.repeat(20));
  has(found, 'fault', 'erasures that did not come to their end, 1:', past);
  has(found, 'fault', 'log-ins of users\' devices that are none any more, 1 of ', `device-${device}`);
  has(found, 'note', 'log-ins that the registry knows nothing of', ':');
  assert.match(found.at(-1)[1], /^no others among \d+ channel databases, \d+ control databases, \d+ channels, \d+ users, \d+ log-ins, \d+ subscriptions, \d+ claims of names$/);
  has(found, 'note', 'subscriptions of channels that their users don\'t have, 1 of ', `${channel}-sub-${alice.user}`);
  for (const name of [device, past]) {
    const { _rev } = await admin(`/_users/org.couchdb.user:device-${name}`);
    await admin(`/_users/org.couchdb.user:device-${name}?rev=${_rev}`, { method: 'DELETE' });
  }
});

test('all are looked at, however many there are', async () => {
  const many = (count, make) => Array.from({ length: count }, (_, i) => make(String(i).padStart(4, '0')));
  const { registry_db: registry, control_prefix: prefix } = names;
  const docs = many(1100, (i) => ({ _id: `channelname-0-${i}`, type: 'channelname', channel, user: alice.user }));
  const past = { _id: 'channelname-~', type: 'channelname', channel: random(), user: alice.user };
  await admin(`/${registry}/_bulk_docs`, { method: 'POST', body: { docs: [...docs, past] } });
  const users = many(101, (i) => `0-${i}`);
  for (const user of users) await put(`/${prefix}${user}`);
  const last = users.at(-1);
  await admin(`/${prefix}${last}/_bulk_docs`, { method: 'POST', body: { docs: many(101, (i) => ({ _id: `${i}-sub-${last}`, type: 'subscription', state: 'active' })) } });
  const found = await orphans();
  has(found, 'note', 'claims of names that no channel has, 2 of 1', past._id);
  has(found, 'note', 'control databases that the registry knows no user of, 102 of 103: ', `${prefix}${users[0]}, ${prefix}${users[1]}, ${prefix}${users[2]}, ...`);
  has(found, 'note', 'subscriptions of channels that their users don\'t have, 102 of ', `0000-sub-${last}, 0001-sub-${last}, 0002-sub-${last}, ...`);
});

// `couchdb-channels why DEVICE`: what an operator is told of a device that is not in sync. Each cause is made for real, on a real server
// with the daemon, by devices with this plug-in.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { newCredential } from '../../../tests/lib/device.mjs';
import { operatorCall } from '../../../tests/lib/operator.mjs';
import { startWorld } from '../../../tests/lib/world.mjs';
import { PATIENT, closeAll, hasChannel, hasDoc, newDevice, request, waitFor } from './people.mjs';

let world;
let phone;
let channel;
const devices = [];
before(async () => { world = await startWorld(); });
after(async () => {
  await closeAll(devices);
  await world?.close();
});

async function device(owner, name) {
  const made = await newDevice(world, owner, name, { sync: { mark: 500 } });
  devices.push(made);
  return made;
}

async function why(id, ...more) {
  const { code, stdout, stderr } = await operatorCall(world.daemon, 'why', id, ...more, '--json');
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout);
}

const words = (answer, kind = 'trouble') => answer[kind].map(({ reason }) => reason);
const said = (answer, word) => [...answer.trouble, ...answer.notes, ...answer.unknown].find(({ reason }) => reason === word)?.says;

/** Until the answer has that word; gives the sentence. */
function until(id, word, ...more) {
  let last;
  return waitFor(async () => {
    last = await why(id, ...more);
    return said(last, word);
  }, { ...PATIENT, interval: 300, what: `the reason "${word}"` }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(last, null, 1)}`); });
}

const inSync = (id, ...more) => waitFor(async () => (await why(id, ...more)).in_sync === true, { ...PATIENT, interval: 300, what: 'in sync' })
  .catch(async (error) => { throw new Error(`${error.message}: ${JSON.stringify(await why(id), null, 1)}`); });

const inCloud = (path, options) => world.server.request(`/${world.daemon.names.channel_prefix}${channel}/${path}`, options);

async function recordOf(one) {
  return (await new one.disk.PouchDB('channels-device').get('_local/device')).record;
}

/** What the device left in the cloud, changed by somebody. */
async function changeMark(one, change) {
  const { control } = await recordOf(one);
  const path = `${new URL(control).pathname}/_local/channels-device-${one.id}`;
  const { body } = await world.server.request(path);
  const { status } = await world.server.request(path, { method: 'PUT', body: change(body) });
  assert.equal(status, 201);
}

test('no such device, no such channel: exit code 1, and what to do', async () => {
  const { code, stdout } = await operatorCall(world.daemon, 'why', 'f'.repeat(64));
  assert.equal(code, 1);
  assert.match(stdout, /no device has that id: see couchdb-channels devices/);
  assert.equal((await operatorCall(world.daemon, 'why', '../_users')).code, 1);
  assert.equal((await operatorCall(world.daemon, 'why')).code, 2);
});

test('never confirmed: says until when it can be', async () => {
  const waiting = await world.register(world.device('never@example.com'));
  const answer = await why(waiting.id);
  assert.equal(answer.in_sync, false);
  assert.deepEqual(words(answer), ['never_confirmed']);
  assert.match(said(answer, 'never_confirmed'), /can type the code until 20\d\d-/);
});

test('expired', async () => {
  const impatient = await startWorld({ channels: { confirm_ttl: 2 } });
  try {
    // It is "confirming" for two seconds only, in which nobody needs to have looked.
    const late = impatient.device('late@example.com');
    assert.equal((await late.register()).status, 201);
    await impatient.mail.next({ to: late.owner });
    await waitFor(async () => {
      const { stdout } = await operatorCall(impatient.daemon, 'why', late.id, '--json');
      return JSON.parse(stdout).trouble[0]?.reason === 'expired';
    }, { ...PATIENT, what: 'the expiry' });
  } finally {
    await impatient.close();
  }
});

test('a device that leaves no word: nothing is known to be wrong, and it says what it cannot know', async () => {
  const plain = await world.activate(world.device('plain@example.com'));
  const answer = await why(plain.id);
  assert.equal(answer.in_sync, null);
  assert.equal(answer.last_heard_of, null);
  assert.deepEqual(words(answer), []);
  assert.deepEqual(words(answer, 'unknown'), ['refused_log_ins', 'contact']);
  const { stdout } = await operatorCall(world.daemon, 'why', plain.id);
  assert.match(stdout, /not everything can be known/);
  assert.match(stdout, /unknown: When it was here last/);
});

test('in sync: heard of lately, every change of each channel is there', async () => {
  phone = await device('alice@example.com', "Alice's phone");
  await phone.channel('Photos').put({ _id: 'beach' });
  ({ id: channel } = await hasChannel(phone, 'Photos'));
  await phone.sync();
  await inSync(phone.id);
  const answer = await why(phone.id, 'Photos');
  assert.deepEqual(answer.databases.map(({ behind }) => behind), [0, 0]);
  assert.match(said(answer, 'seen'), /last heard of 20\d\d-/);
  const { stdout } = await operatorCall(world.daemon, 'why', phone.id, channel);
  assert.match(stdout, /^Alice's phone, active: in sync\.\n/);
  const wrong = await operatorCall(world.daemon, 'why', phone.id, 'Videos');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stdout, /no channel Videos/);
});

test('behind by so many changes, while it is offline; then in sync again', async () => {
  phone.cable.unplug();
  for (const n of [1, 2, 3]) await inCloud(`new-${n}`, { method: 'PUT', body: { n } });
  const answer = await why(phone.id, 'Photos');
  assert.equal(answer.in_sync, false);
  assert.match(said(answer, 'behind'), /Channel "Photos": the device is behind by 3 changes/);
  phone.cable.plug();
  phone.kick();
  await hasDoc(phone.channel('Photos'), 'new-3');
  await inSync(phone.id, 'Photos');
});

test('not seen since', async () => {
  phone.cable.unplug();
  await changeMark(phone, (mark) => ({ ...mark, time: '2026-01-02T03:04:05.678Z' }));
  assert.match(said(await why(phone.id), 'not_seen'), /not been seen since 2026-01-02T03:04:05/);
  phone.cable.plug();
  phone.kick();
  await inSync(phone.id);
});

test('paused, stopped, and active again', async () => {
  await phone.pause('Photos');
  assert.match(await until(phone.id, 'paused', 'Photos'), /Channel "Photos" is paused, on all devices/);
  await phone.stop('Photos');
  assert.match(await until(phone.id, 'stopped', 'Photos'), /is stopped/);
  await phone.resume('Photos');
  await inSync(phone.id, 'Photos');
});

test('a channel that the daemon has not made, and one that it could not make', async () => {
  await world.daemon.stop();
  phone.channel('Films');
  assert.match(await until(phone.id, 'not_ready', 'Films'), /is not ready: the daemon has not made it yet/);
  world.daemon.start();
  await world.daemon.waitUntilReady();
  await hasChannel(phone, 'Films');
  await inSync(phone.id, 'Films');
  const { control } = await recordOf(phone);
  const id = 'f'.repeat(20);
  await world.server.request(`${new URL(control).pathname}/${id}`, { method: 'PUT', body: { type: 'channel', state: 'new' } });
  assert.match(await until(phone.id, 'channel_error', id), /could not be made: A channel needs a name/);
  await world.server.request(`${new URL(control).pathname}/${id}`, { method: 'PUT', body: { ...(await world.server.request(`${new URL(control).pathname}/${id}`)).body, _deleted: true } });
});

test('a database that is closed to its user', async () => {
  const { body: security } = await inCloud('_security');
  await inCloud('_security', { method: 'PUT', body: { ...security, members: { names: [], roles: ['others'] } } });
  assert.match(said(await why(phone.id), 'not_open'), /names no role of its log-in/);
  await inCloud('_security', { method: 'PUT', body: security });
});

test('writes rejected by validation, which stay told over a restart of the device', async () => {
  await inCloud('_design/strict', { method: 'PUT', body: { validate_doc_update: 'function (doc) { if (doc.bad) throw {forbidden: "no bad documents"}; }' } });
  await phone.channel('Photos').put({ _id: 'evil', bad: true });
  await phone.sync('Photos');
  assert.match(await until(phone.id, 'writes_rejected', 'Photos'), /refused 1 write of the device, the last .*: "evil", ".*no bad documents.*"/);
  await phone.close();
  const again = await phone.disk.PouchDB.channels({ server: world.server.url, handshake: world.daemon.names.handshake_db, sync: { mark: 500 } });
  devices.splice(devices.indexOf(phone), 1, Object.assign(again, { disk: phone.disk }));
  const before = (await why(phone.id)).last_heard_of;
  await waitFor(async () => (await why(phone.id)).last_heard_of !== before, { ...PATIENT, what: 'its next word' });
  assert.ok(said(await why(phone.id, 'Photos'), 'writes_rejected'));
});

test('what a device says of itself is a claim: anything may stand there, and nothing of it reaches a terminal', async () => {
  const liar = await device('liar@example.com', 'a liar');
  await until(liar.id, 'seen');
  liar.cable.unplug();
  await changeMark(liar, (mark) => ({ ...mark, time: '\u001b[2J', rotation: 'x', channels: { '': { pulled: "not a seq\n", trouble: '\u001b[31mred\nline', denied: { count: 1e30, id: {} }, waiting: -1 } } }));
  const { code, stdout } = await operatorCall(world.daemon, 'why', liar.id);
  assert.equal(code, 0);
  assert.ok(!stdout.includes('\u001b'));
  assert.match(stdout, /its word has no time/);
  assert.match(stdout, /\\x1b\[31mred\\x0aline/i);
  await changeMark(liar, (mark) => ({ ...mark, channels: [] }));
  assert.equal((await operatorCall(world.daemon, 'why', liar.id)).code, 0);
});

test('a secret that was changed while the device does not know it, one that somebody wrote over, and none', async () => {
  const restored = await device('carol@example.com', "Carol's phone");
  await until(restored.id, 'seen');
  restored.cable.unplug();
  const { secret } = await recordOf(restored);
  const auth = { user: `device-${restored.id}`, password: secret };
  const number = `rotate-${restored.id}-1`;
  const { status } = await request(`${world.handshake}/${number}`, { method: 'PUT', body: { type: 'rotate', state: 'new', credential: newCredential().verifier }, auth });
  assert.equal(status, 201);
  // The record has the new number before the document says when.
  await waitFor(async () => (await world.server.request(`${new URL(world.handshake).pathname}/${number}`)).body.state === 'done', { ...PATIENT, what: 'the rotation' });
  assert.match(await until(restored.id, 'rotated_secret'), /Its secret was changed 20\d\d-.* \(number 1\), and it was last heard of with number 0/);
  assert.ok(!said(await why(restored.id), 'wrong_secret'));

  const user = `/_users/org.couchdb.user:device-${restored.id}`;
  const { body } = await world.server.request(user);
  const { salt, derived_key: key } = newCredential().verifier;
  await world.server.request(user, { method: 'PUT', body: { ...body, salt, derived_key: key } });
  assert.match(said(await why(restored.id), 'wrong_secret'), /another verifier than the daemon set/);
  const { body: { _rev: rev } } = await world.server.request(user);
  await world.server.request(`${user}?rev=${rev}`, { method: 'DELETE' });
  assert.match(said(await why(restored.id), 'no_log_in'), /is gone, though nobody revoked it/);
});

test('a device that changed its own secret is in sync', async () => {
  const dora = await device('dora@example.com', "Dora's phone");
  await until(dora.id, 'seen');
  await dora.rotate();
  await inSync(dora.id);
  await waitFor(async () => !said(await why(dora.id), 'rotated_secret'), PATIENT);
});

test('revoked: says when', async () => {
  const tablet = await device('alice@example.com', "Alice's tablet");
  const { code } = await operatorCall(world.daemon, 'revoke', tablet.id);
  assert.equal(code, 0);
  const answer = await waitFor(async () => {
    const now = await why(tablet.id);
    return now.state === 'revoked' && now;
  }, PATIENT);
  assert.deepEqual(words(answer), ['revoked']);
  assert.match(said(answer, 'revoked'), /was revoked 20\d\d-/);
});

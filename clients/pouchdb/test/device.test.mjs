// What a device does besides keeping in sync: being told what is wrong, registering anew, another secret, signing out. On a
// real server with the daemon; what only a server in trouble answers is answered by the device's cable.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorld } from '../../../tests/lib/world.mjs';
import { NOT_ME, confirm, confirmDocument, sha256 } from '../../../tests/lib/device.mjs';
import { LINK, linkIn } from '../../../tests/lib/mail_sink.mjs';
import { Cable, PATIENT, PouchDB, closeAll, confirmInMail, hasChannel, hasDoc, newDevice, newDisk, openDevice, pair, request, stateIs, waitFor } from './people.mjs';

let world;
const devices = [];
before(async () => { world = await startWorld(); });
after(async () => {
  await closeAll(devices);
  await world?.close();
});

async function unpaired(options = {}) {
  const [disk, cable] = [newDisk(), new Cable()];
  const device = Object.assign(await openDevice(world, disk, { fetch: cable.fetch, ...options }), { disk, cable });
  devices.push(device);
  return device;
}

async function paired(owner, name, options) {
  const device = await newDevice(world, owner, name, options);
  devices.push(device);
  return device;
}

async function recordOf(device) {
  const home = new device.disk.PouchDB('channels-device');
  return (await home.get('_local/device')).record;
}

const isGone = async (device, id) => (await request(`${world.server.url}/_session`, { auth: { user: `device-${id}`, password: device.secret } })).status === 401;

test('bad options and calls are told in a sentence', async () => {
  const bad = (options) => PouchDB.channels({ databaseOptions: { adapter: 'memory' }, ...options });
  await assert.rejects(bad({}), { error: 'bad_server' });
  for (const server of ['sync.example.com', 'ftp://sync.example.com/', 'https://alice:secret@sync.example.com/', 'https://sync.example.com/?x']) {
    await assert.rejects(bad({ server }), { error: 'bad_server' }, server);
  }
  const device = await unpaired();
  for (const owner of [undefined, '', 'alice', 'a b@example.com', `${'a'.repeat(250)}@example.com`]) await assert.rejects(device.register({ owner }), { error: 'bad_owner' });
  for (const name of [undefined, '', ' ', 'x'.repeat(201), 7]) assert.throws(() => device.channel(name), { error: 'bad_name' });
  await assert.rejects(device.pause('nothing'), { error: 'unknown_channel' });
  await assert.rejects(device.rotate(), { error: 'not_active' });
  await assert.rejects(device.revoke('x'), { error: 'not_active' });
  await assert.rejects(device.sync(), { error: 'not_active' });
});

test('the document in the handshake is what the contract asks for, and is sent once', async () => {
  const device = await unpaired();
  device.register({ owner: 'once@example.com', name: 'A "phone"', locale: 'de' }).catch(() => {});
  await stateIs(device, 'confirming');
  const { _rev, ...doc } = device.registration();
  const { salt, derived_key: key } = doc.credential;
  assert.deepEqual(doc, {
    _id: sha256(`once@example.com\n${salt}\n${key}`), type: 'device', state: 'new', owner: 'once@example.com', name: 'A "phone"', locale: 'de',
    credential: { password_scheme: 'pbkdf2', salt, iterations: 1, derived_key: key },
  });
  assert.equal(device.id, doc._id);
  const { body } = await world.server.request(`/${world.daemon.names.handshake_db}/${doc._id}?revs=true`);
  assert.equal(body._revisions.ids.length, 2, 'the device\'s and the daemon\'s');
  assert.match((await world.mail.next({ to: 'once@example.com' })).subject, /^Best/, 'German, as asked');
});

test('a registration that a carrier brought first is taken as it is', async () => {
  const device = await unpaired();
  device.cable.unplug();
  device.register({ owner: 'carried@example.com' }).catch(() => {});
  await waitFor(() => device.registration());
  const { status } = await request(`${world.handshake}/${device.id}`, { method: 'PUT', body: device.registration() });
  assert.equal(status, 201);
  device.cable.plug();
  device.kick();
  await confirmInMail(world, device, 'carried@example.com');
  await stateIs(device, 'active');
});

test('"it wasn\'t me" ends the registration, and says so', async () => {
  const device = await unpaired();
  const ended = assert.rejects(device.register({ owner: 'notme@example.com' }), { error: 'rejected' });
  const mail = await world.mail.next({ to: 'notme@example.com', text: LINK });
  await stateIs(device, 'confirming');
  await confirm(world.handshake, confirmDocument({ ...linkIn(mail), answer: NOT_ME }));
  await ended;
  assert.equal(device.status.state, 'rejected');
  await pair(world, device, 'notme@example.com', 'by its owner');
});

test('an address that the mail server refuses is told', async () => {
  world.mail.reject = (address) => (address === 'nobody@example.com' ? { code: 550, message: 'no such user' } : null);
  const device = await unpaired();
  await assert.rejects(device.register({ owner: 'nobody@example.com' }), ({ error, reason }) => error === 'mail_refused' && /\w+ .+\.$/.test(reason));
  world.mail.reject = null;
  await pair(world, device, 'somebody@example.com', 'with the right address');
});

test('a document that was answered and vanished has expired: another one, with another salt, is registered', async () => {
  const device = await unpaired();
  device.register({ owner: 'expired@example.com' }).catch(() => {});
  await stateIs(device, 'confirming');
  const { id } = device;
  const first = await world.mail.next({ to: 'expired@example.com', text: LINK });
  const path = `/${world.daemon.names.handshake_db}`;
  const { body: doc } = await world.server.request(`${path}/${id}`);
  // As the daemon does it long after the end; the registry knows the id no more.
  const { body: record } = await world.server.request(`/${world.daemon.names.registry_db}/device-${id}`);
  await world.server.request(`/${world.daemon.names.registry_db}/device-${id}?rev=${record._rev}`, { method: 'DELETE' });
  await world.server.request(`${path}/_purge`, { method: 'POST', body: { [id]: [doc._rev] } });
  await waitFor(() => device.id !== id, { ...PATIENT, what: 'another id' });
  await confirmInMail(world, device, 'expired@example.com');
  await stateIs(device, 'active');
  assert.equal(linkIn(first).subject, id);
});

test('a registration goes on after a restart', async () => {
  const device = await unpaired();
  device.register({ owner: 'restarted@example.com', name: 'restarted' }).catch(() => {});
  await stateIs(device, 'confirming');
  const { id } = device;
  await device.close();
  const again = Object.assign(await openDevice(world, device.disk), { disk: device.disk });
  devices.push(again);
  assert.equal(again.id, id);
  await confirmInMail(world, again, 'restarted@example.com');
  await stateIs(again, 'active');
  await assert.rejects(openDevice({ ...world, server: { url: 'http://127.0.0.1:1/' } }, device.disk), { error: 'other_server' });
});

test('another secret, without a gap', async () => {
  const device = await paired('rotate@example.com', 'rotating');
  const notes = device.channel('Notes');
  await hasChannel(device, 'Notes');
  const before = await recordOf(device);
  await device.rotate();
  await device.rotate();
  const after = await recordOf(device);
  assert.equal(after.rotation, 2);
  assert.notEqual(after.secret, before.secret);
  await notes.put({ _id: 'by the new one' });
  await device.sync();
  const auth = (record) => ({ user: record.username, password: record.secret });
  assert.equal((await request(`${world.server.url}/_session`, { auth: auth(after) })).status, 200);
  assert.equal((await request(`${world.server.url}/_session`, { auth: auth(before) })).status, 401);
  assert.deepEqual(device.heard.errors, []);
});

test('a change of the secret whose end the device did not see is found out by its log-in', async () => {
  const device = await paired('lost@example.com', 'rotating');
  const fetched = device.cable.fetch;
  let written = false;
  await device.close();
  const cable = new Cable();
  const cut = async (url, options) => {
    if (written) throw new TypeError('the network is unreachable');
    const response = await fetched(url, options);
    if (options.method === 'PUT' && url.includes('/rotate-')) written = true;
    return response;
  };
  const before = await openDevice(world, device.disk, { fetch: cut });
  await waitFor(() => before.status.online, PATIENT);
  before.rotate().catch(() => {});
  const { id } = before;
  await waitFor(async () => (await request(`${world.handshake}/rotate-${id}-1`)).body.state === 'done', PATIENT);
  await before.close();
  const after = Object.assign(await openDevice(world, device.disk, { fetch: cable.fetch }), { disk: device.disk });
  devices.push(after);
  await waitFor(() => after.status.online, { ...PATIENT, what: 'the new secret' });
  assert.equal((await recordOf(device)).rotation, 1);
});

test('signed out: revoked in the cloud, wiped here; another person may register then, and not before', async () => {
  const device = await paired('leaving@example.com', 'leaving');
  const { secret } = await recordOf(device);
  await device.channel('Diary').put({ _id: 'secret thoughts' });
  await hasChannel(device, 'Diary');
  const { id } = device;
  assert.deepEqual(await device.signOut(), { delivered: true });
  assert.equal(device.status.state, 'none');
  await waitFor(() => isGone({ secret }, id), PATIENT);
  assert.equal((await device.channel('Diary').get('secret thoughts'))._id, 'secret thoughts');
  await assert.rejects(device.register({ owner: 'other@example.com' }), { error: 'other_owner' });

  const back = device.register({ owner: 'Leaving@example.com', name: 'back again' });
  await confirmInMail(world, device, 'leaving@example.com');  // the address that is known
  await back;
  await hasDoc(device.channel('Diary'), 'description');
  await device.signOut({ wipe: true });
  assert.deepEqual(device.channels(), []);
  await assert.rejects(device.channel('Diary').get('secret thoughts'), { status: 404 });
  await pair(world, device, 'other@example.com', 'of another person');
  await device.sync();
  assert.deepEqual(device.channels().map(({ name }) => name), ['Diary']);
});

test('signed out offline: nothing unsent is wiped unasked, and the cloud is told later', async () => {
  const device = await paired('train@example.com', 'on a train');
  const { secret } = await recordOf(device);
  await device.channel('Diary').put({ _id: 'unsent' });
  device.cable.unplug();
  await assert.rejects(device.signOut({ wipe: true }), { error: 'unsynced' });
  assert.equal(device.status.state, 'active');
  assert.deepEqual(await device.signOut({ wipe: true, force: true }), { delivered: false });
  assert.equal(device.status.state, 'signing-out');
  await assert.rejects(device.register({ owner: 'train@example.com' }), { error: 'signing_out' });
  const { id } = device;
  await device.close();
  const again = Object.assign(await openDevice(world, device.disk), { disk: device.disk });
  devices.push(again);
  await stateIs(again, 'none');
  await waitFor(() => isGone({ secret }, id), PATIENT);
});

test('revoked by another device with the wish to wipe, on a device whose app allowed that', async () => {
  const kept = await paired('wipe@example.com', 'kept');
  const lost = await paired('wipe@example.com', 'lost', { allowWipe: true });
  await lost.channel('Photos').put({ _id: 'a' });
  await hasChannel(kept, 'Photos');
  await hasDoc(kept.channel('Photos'), 'a');
  await kept.revoke(lost.id, { wipe: true });
  await waitFor(() => lost.heard.revoked.length > 0, PATIENT);
  assert.deepEqual(lost.heard.revoked, [{ wipe: true, wiped: true }]);
  assert.deepEqual(lost.channels(), []);
  assert.equal((await recordOf(lost)).secret, undefined);
});

test('the network is back and nobody says so: it goes on by itself', async () => {
  const [one, other] = [await paired('cable@example.com', 'one'), await paired('cable@example.com', 'other')];
  await one.channel('Notes').put({ _id: 'first' });
  await hasDoc((await hasChannel(other, 'Notes')) && other.channel('Notes'), 'first');
  one.cable.unplug();
  await waitFor(() => !one.status.online, { ...PATIENT, what: 'being offline' });
  await one.channel('Notes').put({ _id: 'from the train' });
  await other.channel('Notes').put({ _id: 'from home' });
  one.cable.plug();
  await hasDoc(one.channel('Notes'), 'from home');
  await hasDoc(other.channel('Notes'), 'from the train');
  assert.equal(one.status.online, true);
});

test('revoked before it knew that it was active: told with the wish to wipe, and nothing is wiped', async () => {
  const first = await paired('early@example.com', 'first');
  const late = await unpaired({ name: 'late', allowWipe: true });
  const registered = late.register({ owner: 'early@example.com' });
  registered.catch(() => {});  // asserted below
  await stateIs(late, 'confirming');
  late.cable.unplug();
  await confirmInMail(world, late, 'early@example.com');
  await waitFor(() => first.devices().some(({ id, state }) => id === late.id && state === 'active'), PATIENT);
  await first.revoke(late.id, { wipe: true });
  await waitFor(() => first.devices().some(({ id, state }) => id === late.id && state === 'revoked'), PATIENT);
  late.cable.plug();
  late.kick();
  await assert.rejects(registered, { error: 'revoked' });
  assert.deepEqual(late.heard.revoked, [{ wipe: true, wiped: false }]);
});

test('a handshake that says "revoked" is believed only if the log-in is refused, and a refusal only with it', async () => {
  const device = await paired('calm@example.com', 'calm');
  const { id } = device;
  const path = `/${world.daemon.names.handshake_db}/${id}`;
  // A stranger's word, as far as the device can tell.
  const lie = async (url, options) => (url.endsWith(`/${id}`) ? new Response(JSON.stringify({ _id: id, type: 'device', state: 'revoked', wipe: true })) : device.cable.fetch(url, options));
  await device.close();
  const believing = await openDevice(world, device.disk, { fetch: lie, allowWipe: true });
  await waitFor(() => believing.status.online, PATIENT);
  await believing.sync();
  assert.equal(believing.status.state, 'active');
  await believing.close();

  const refuse = async (url, options) => (url.includes(path) ? device.cable.fetch(url, options) : new Response('{"error":"unauthorized","reason":"no"}', { status: 401, headers: { 'content-type': 'application/json' } }));
  const refused = Object.assign(await openDevice(world, device.disk, { fetch: refuse }), { disk: device.disk });
  devices.push(refused);
  await waitFor(() => refused.heard.errors.length > 0, { ...PATIENT, what: 'being told' });
  assert.equal(refused.heard.errors[0].error, 'log_in');
  assert.equal(refused.status.state, 'active');
  assert.deepEqual(refused.heard.revoked, []);
});

test('a syncpoint on another server gets no password', async () => {
  const device = await paired('redirected@example.com', 'redirected');
  device.channel('Photos');
  const { id } = await hasChannel(device, 'Photos');
  const { user } = device.status;
  const asked = [];
  const fetched = device.cable.fetch;
  await device.close();
  const watching = Object.assign(await openDevice(world, device.disk, { fetch: (url, options) => { asked.push(url); return fetched(url, options); } }), { disk: device.disk });
  devices.push(watching);
  const control = new device.disk.PouchDB('channels-control');
  const subscription = `${id}-sub-${user}`;
  const good = (await control.get(subscription)).syncpoint;
  const evil = ['http://127.0.0.1:9/', good.replace(/\/([^/]*)$/, '/../evil/$1'), `${world.server.url}.evil.example/x-${id}`, good.replace(/.$/, '0x'), `${world.server.url}/a/b-${id}`];
  for (const syncpoint of evil) {
    const doc = await control.get(subscription);
    watching.heard.errors.length = 0;
    await control.put({ ...doc, syncpoint });
    await waitFor(() => watching.heard.errors.some(({ error, channel }) => error === 'bad_syncpoint' && channel === id), { ...PATIENT, what: `a word about ${syncpoint}` });
    assert.deepEqual(asked.filter((url) => !url.startsWith(`${world.server.url}/${world.daemon.names.handshake_db.split('-')[0]}`) && url !== `${world.server.url}/`), []);
    await waitFor(async () => (await control.get(subscription)).syncpoint === good, { ...PATIENT, what: 'the daemon putting it right' });
  }
});

test('what the server refuses is told once, and holds up nothing', async () => {
  const device = await paired('denied@example.com', 'denied');
  const notes = device.channel('Notes');
  await hasChannel(device, 'Notes');
  const { id } = device.channels()[0];
  const validation = { _id: '_design/mine', validate_doc_update: 'function (doc) { if (doc.bad) throw {forbidden: "it is bad"}; }' };
  await world.server.request(`/${world.daemon.names.channel_prefix}${id}/_design/mine`, { method: 'PUT', body: validation });
  await notes.put({ _id: 'first', bad: true });
  await notes.put({ _id: 'second' });
  await device.sync();
  assert.deepEqual(device.heard.errors.map(({ error, id: refused }) => [error, refused]), [['denied', 'first']]);
  assert.match(device.heard.errors[0].reason, /it is bad/);
  assert.equal((await world.server.request(`/${world.daemon.names.channel_prefix}${id}/second`)).status, 200);
});

test('a connection that ends between any two requests of a replication ends no process', async () => {
  const uncaught = [];
  const listen = (error) => uncaught.push(error);
  process.on('unhandledRejection', listen);
  const cable = new Cable();
  let isCutNext = false;
  let cuts = 0;
  const device = await paired('cut@example.com', 'a phone', { fetch: (url, options) => {
    const isInfo = /^\/[^/]+\/?$/.test(new URL(url).pathname) && (options.method ?? 'GET') === 'GET';
    if (url.includes('/_bulk_get')) isCutNext = true;
    if (!isInfo || !isCutNext) return cable.fetch(url, options);
    isCutNext = false;
    cuts += 1;
    throw new TypeError('the network is unreachable');
  } });
  device.channel('Notes');
  const { id } = await hasChannel(device, 'Notes');
  await world.server.request(`/${world.daemon.names.channel_prefix}${id}/from-elsewhere`, { method: 'PUT', body: { n: 1 } });
  await hasDoc(device.channel('Notes'), 'from-elsewhere');
  await device.sync();
  process.off('unhandledRejection', listen);
  assert.ok(cuts > 0);
  assert.deepEqual(uncaught, []);
  assert.deepEqual(device.heard.errors, []);
});

// The program under a manager that does everything to it that CouchDB does.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames } from '../lib/daemon.mjs';
import { Device } from '../lib/device.mjs';
import { linkIn, startMailSink } from '../lib/mail_sink.mjs';
import { freePort, waitFor } from '../lib/net.mjs';
import { Manager } from './manager.mjs';

let server;
let mail;
let names;
const managers = [];

before(async () => {
  server = await startCouch();
  mail = await startMailSink();
  names = newNames();
});
after(async () => {
  for (const manager of managers) await manager.stop();
  const { body } = await server.request('/_all_dbs');
  for (const name of body.filter((candidate) => candidate.startsWith(names.handshake_db.split('-')[0])))
    await server.request(`/${encodeURIComponent(name)}`, { method: 'DELETE' });
  await mail.close();
  await server.close();
});

/** CouchDB's configuration as the daemon would see it, by a name and password where the secret is hidden. */
function configuration(channels = {}) {
  const { port } = new URL(server.url);
  const login = server.secret ? {} : { username: server.user, password: server.password };
  return {
    chttpd: { bind_address: '127.0.0.1', port },
    channels: { ...names, ...login, ...channels },
    channels_mail: { server: mail.url, from: 'no-reply@channels.example' },
    admins: {}, chttpd_auth: server.secret ? { secret: server.secret } : {},
  };
}

async function withAdmin(config) {
  // The admin's hash, as the node keeps it.
  if (server.secret) {
    const { body } = await server.request('/_node/_local/_config/admins');
    config.admins = body;
    const auth = (await server.request('/_node/_local/_config/chttpd_auth')).body;
    config.chttpd_auth = { ...auth, secret: server.secret };
  }
  return config;
}

async function managed(config, options) {
  const manager = new Manager(config, options).start();
  managers.push(manager);
  return manager;
}

/** A test after which no manager was brought down by what it was sent, and none gave the daemon up. */
function managedTest(name, run) {
  test(name, async (t) => {
    const before = managers.length;
    await run(t);
    for (const { halted, violations } of managers.slice(before)) {
      assert.equal(halted, false, 'it ended three times within 5 s');
      assert.deepEqual(violations, []);
    }
  });
}

const READY = /^couchdb-channels \S+ ready: http/;

async function register(owner) {
  const device = new Device({ handshake: `${server.url}/${names.handshake_db}`, owner });
  await waitFor(async () => (await device.register()).status === 201);
  return device;
}

async function works(owner) {
  const device = await register(owner);
  return device.waitFor('confirming', { timeout: 60000 });
}

managedTest('it registers for its sections, logs in by a cookie of its own, works, and ends with its stdin', async () => {
  const manager = await managed(await withAdmin(configuration()));
  await manager.waitForLog(READY);
  for (const section of ['channels', 'channels_mail', 'admins', 'chttpd_auth']) assert.ok(manager.registered.has(section), section);
  // Registered before it is read, or a change between the two would be missed.
  for (const section of manager.registered) {
    const at = (verb) => manager.requests.findIndex(([sent, name]) => sent === verb && name === section);
    assert.ok(at('register') < at('get'), section);
  }
  await works('os-daemon@example.com');
  const began = Date.now();
  assert.deepEqual(await manager.endStdin(), { code: 0, signal: null });
  assert.ok(Date.now() - began < 9000, 'it ends soon');
  assert.equal(manager.stderr, '');
});

managedTest('kill -9 at any moment: it starts again and goes on', async () => {
  const manager = await managed(await withAdmin(configuration()));
  for (const delay of [0, 5, 30, 100, 300]) {
    await sleep(delay);
    await manager.kill({ expected: true });
    await waitFor(() => manager.child, { what: 'the next start' });
  }
  await manager.waitForLog(READY);
  await works('killed@example.com');
  assert.equal((await manager.endStdin()).code, 0);
});

managedTest('stdin\'s end is noticed at any moment, also while it waits for an answer', async () => {
  for (const [delay, options] of [[0, {}], [20, {}], [200, {}], [50, { delay: 60000 }]]) {
    const manager = await managed(await withAdmin(configuration()), options);
    await sleep(delay);
    assert.deepEqual(await manager.endStdin(), { code: 0, signal: null });
  }
});

const orphans = [];

managedTest('a node that dies takes all three pipes with it: the daemon ends all the same, in the middle of work too', async () => {
  for (const begin of [
    async () => {},
    (manager) => manager.waitForLog(READY),
    async (manager) => {
      await manager.waitForLog(READY);
      for (let n = 0; n < 5; n += 1) orphans.push(await register(`orphan-${n}@example.com`));
    },
  ]) {
    const manager = await managed(await withAdmin(configuration()), { args: ['--debug'] });
    await begin(manager);
    assert.deepEqual(await manager.endAll(), { code: 0, signal: null });
  }
});

managedTest('kill -9 while a mail is on its way: the next one sends that mail, with the same code', async () => {
  const manager = await managed(await withAdmin(configuration()));
  await manager.waitForLog(READY);
  // The mails of the test before go out first: held as well, they would be in the way of this one's.
  for (const orphan of orphans) await orphan.waitFor('confirming', { timeout: 120000 });
  let release;
  mail.hold = new Promise((resolve) => { release = resolve; });
  const owner = 'held@example.com';
  const device = await register(owner);
  await waitFor(() => mail.held.some((to) => to.includes(owner)), { what: 'the mail at the mail server' });
  await manager.kill({ expected: true });
  release();
  mail.hold = null;
  assert.equal((await device.read()).state, 'new', 'nobody has noted the mail');
  await device.waitFor('confirming', { timeout: 120000 });
  const mails = mail.to(owner);
  assert.equal(mails.length, 2);
  assert.equal(new Set(mails.map(({ headers }) => headers.get('message-id'))).size, 1);
  assert.equal(linkIn(mails[0]).code, linkIn(mails[1]).code);
  assert.equal((await manager.endStdin()).code, 0);
});

managedTest('slow answers, and answers in pieces', async () => {
  for (const options of [{ delay: 300 }, { pieces: true }]) {
    const manager = await managed(await withAdmin(configuration()), options);
    await manager.waitForLog(READY);
    await manager.endStdin();
  }
});

managedTest('unknown sections and null answers are no configuration: it says what to set and waits, registered', async () => {
  for (const [config, options] of [[{}, {}], [configuration(), { nullAnswers: true }]]) {
    const manager = await managed(config, options);
    const { text, level } = await manager.waitForLog(/cannot start/);
    assert.equal(level, 'error');
    assert.match(text, /\[chttpd_auth\] secret is not set/);
    assert.match(text, /openssl rand -hex 32/);
    await sleep(1000);
    assert.equal(manager.deaths.length, 0, 'three quick ends would halt it for ever');
    assert.equal(manager.logs.filter(({ text: line }) => /cannot start/.test(line)).length, 1, 'said once');
    assert.ok(manager.registered.has('chttpd_auth'));
    assert.equal((await manager.endStdin()).code, 0);
  }
});

managedTest('bad configuration is one line with section, key and value; a change mends it', async () => {
  const manager = await managed(await withAdmin(configuration({ confirm_ttl: 'tomorrow', colour: 'red' })));
  const { text } = await manager.waitForLog(/cannot start/);
  assert.match(text, /\[channels\] confirm_ttl = tomorrow: must be a whole number/);
  assert.ok(manager.logged(/warning: \[channels\] colour is no key/));
  await manager.set('channels', 'confirm_ttl', '3600');
  await manager.waitForLog(READY);
  await manager.endStdin();
});

managedTest('a change of its configuration restarts it with the new one', async () => {
  const manager = await managed(await withAdmin(configuration()));
  await manager.waitForLog(READY);
  const other = { ...newNames(), handshake_db: `${names.handshake_db}-2` };
  await manager.set('channels', 'handshake_db', other.handshake_db);
  await waitFor(async () => (await server.request(`/${other.handshake_db}`)).status === 200);
  await manager.endStdin();
});

managedTest('a PUT of the same value restarts it as well, and it is back with what it had', async () => {
  const manager = await managed(await withAdmin(configuration()));
  await manager.waitForLog(READY);
  await manager.set('channels', 'registry_db', names.registry_db);
  await waitFor(() => manager.logs.filter(({ text }) => READY.test(text)).length === 2, { what: 'its second start' });
  assert.equal(manager.deaths.length, 1);
  await works('same-value@example.com');
  await manager.endStdin();
});

managedTest('what could run a program or read a folder is not taken from CouchDB\'s configuration', async () => {
  const config = await withAdmin(configuration());
  config.channels_mail = { ...config.channels_mail, sendmail: '/bin/false', templates: '/etc' };
  const manager = await managed(config);
  await manager.waitForLog(READY);
  for (const key of ['sendmail', 'templates']) assert.ok(manager.logged(new RegExp(`${key} is ignored here`)), key);
  await works('trusted@example.com');
  await manager.endStdin();
});

managedTest('started before HTTP listens it waits, with few words, and begins when the server does', async (t) => {
  const own = await startCouch({ own: true });
  try {
    if (!own.secret || own.kind === 'external') return t.skip('needs a server of its own to start late');
    const { body: admins } = await own.request('/_node/_local/_config/admins');
    await own.stop();
    const { port } = new URL(own.url);
    const manager = await managed({
      chttpd: { bind_address: '127.0.0.1', port }, channels: newNames(), admins, chttpd_auth: { secret: own.secret },
    });
    await manager.waitForLog(/waiting for CouchDB/);
    await sleep(3000);
    assert.equal(manager.deaths.length, 0);
    assert.ok(manager.logs.length < 5, JSON.stringify(manager.logs));
    await own.start();
    await manager.waitForLog(READY);
    await manager.endStdin();
  } finally {
    await own.close();
  }
});

managedTest('a cookie that the server does not accept is told with what to look at', async () => {
  const config = await withAdmin(configuration({ username: '', password: '' }));
  config.chttpd_auth = { secret: 'another secret than the server\'s' };
  config.admins = { admin: '-pbkdf2-0123456789abcdef0123456789abcdef01234567,0123456789abcdef,10' };
  delete config.channels.username;
  delete config.channels.password;
  const manager = await managed(config);
  const { text } = await manager.waitForLog(/refuses us/);
  assert.match(text, /\[chttpd_auth\] secret/);
  assert.equal(manager.deaths.length, 0);
  await manager.endStdin();
});

managedTest('a port where nothing listens is waited for', async () => {
  const config = await withAdmin(configuration());
  config.chttpd = { bind_address: '0.0.0.0', port: String(await freePort()) };
  const manager = await managed(config);
  await manager.waitForLog(/waiting for CouchDB at http:\/\/127\.0\.0\.1:/);
  assert.equal((await manager.endStdin()).code, 0);
});

// make demo: a server, a mail server, the daemon, and one device through the whole loop, printed as it happens.
// On a terminal everything stays up until Ctrl-C; without one it ends by itself.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { startDaemon, newNames } from '../tests/lib/daemon.mjs';
import { startCouch } from '../tests/lib/couch_server.mjs';
import { Device, confirm, confirmDocument } from '../tests/lib/device.mjs';
import { linkIn, startMailSink } from '../tests/lib/mail_sink.mjs';
import { request, waitFor } from '../tests/lib/net.mjs';

const require = createRequire(new URL('../tests/package.json', import.meta.url));
const PouchDB = require('pouchdb').plugin(require('pouchdb-adapter-memory'));

const OWNER = 'alice@example.com';
const FAST = { interval: 2, timeout: 30000 };
const bold = (text) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const say = (text = '') => console.log(text);
const title = (text) => say(`\n${bold(`== ${text}`)}`);
const indented = (text) => text.trimEnd().replace(/^/gm, '    ');

/**
 * Prints each document of a database as it changes, until stop() is called; shown() waits until one was printed in that state. A feed
 * tells of the newest revision only: those between it and the one printed last are read one by one.
 */
function watch(name, url, auth) {
  const printed = new Map();  // id -> generation
  const states = new Set();   // "id state"
  const show = (doc) => {
    print(name, doc);
    states.add(`${doc._id} ${doc.state}`);
  };
  const read = (id, rev) => request(`${url}/${encodeURIComponent(id)}?revs=true&rev=${encodeURIComponent(rev)}`, { auth });
  const take = async ({ id, changes: [{ rev }] }) => {
    const { body, status } = await read(id, rev);
    if (status !== 200) return;
    const { start, ids } = body._revisions;
    const before = printed.get(id) ?? 0;
    for (let generation = before + 1; generation < start; generation += 1) {
      const older = await read(id, `${generation}-${ids[start - generation]}`);
      if (older.status === 200) show(older.body);
    }
    if (start > before) show(body);
    printed.set(id, Math.max(start, before));
  };
  let stopped = false;
  const follow = async () => {
    let since = '0';
    while (!stopped) {
      const { body, status } = await request(`${url}/_changes?feed=longpoll&timeout=1000&since=${encodeURIComponent(since)}`, { auth });
      if (status !== 200) return;
      for (const row of body.results) if (!row.id.startsWith('_design/')) await take(row);
      since = body.last_seq;
    }
  };
  const done = follow().catch(() => {});
  return {
    shown: (id, state) => waitFor(() => stopped || states.has(`${id} ${state}`), { what: `${id} printed as ${state}`, ...FAST }),
    stop: () => { stopped = true; return done; },
  };
}

function print(name, doc) {
  const { _id, _rev, _revisions: history, type, state, ...rest } = doc;
  say(`  [${name}] ${type} ${_id.length > 24 ? `${_id.slice(0, 16)}…` : _id} ${bold(state ?? '')} (rev ${_rev.split('-')[0]})`);
  const fields = JSON.stringify(rest, null, 2);
  if (fields !== '{}') say(indented(fields));
}

function printMail(mail) {
  say(`  To: ${mail.to.join(', ')}\n  Subject: ${mail.subject}\n`);
  say(indented(mail.text));
  say(`    (and ${mail.html.length} characters of HTML)`);
}

async function register(daemon, watched, mailSink) {
  title(`A phone registers for ${OWNER}`);
  const phone = new Device({ handshake: daemon.handshake, owner: OWNER, name: "Alice's phone", locale: 'en' });
  const sent = Date.now();
  await phone.register();
  const mail = await mailSink.next({ to: OWNER });
  const { device_code: deviceCode } = await phone.waitFor('confirming', FAST);
  await watched.shown(phone.id, 'confirming');
  title('The mail that arrived');
  printMail(mail);
  say(`\n  The phone shows the code ${bold(deviceCode)}; Alice types it into the page behind the link.`);
  return { phone, mail, deviceCode, toMail: mail.at - sent };
}

async function activate({ phone, mail, deviceCode }, watched) {
  title('Alice sends the page\'s form: a confirm document with a proof, not with a code');
  const clicked = Date.now();
  await confirm(phone.handshake, confirmDocument({ ...linkIn(mail), deviceCode }));
  const active = await phone.waitFor('active', FAST);
  const toActive = Date.now() - clicked;
  await watched.shown(phone.id, 'active');
  return { active, toActive };
}

/** The phone's own copy of its control database, kept in sync both ways, logged in by the phone's own secret. */
function replicate(phone, control) {
  const local = new PouchDB('control', { adapter: 'memory' });
  const remote = new PouchDB(control, { auth: { username: phone.username, password: phone.secret }, skip_setup: true });
  const sync = local.sync(remote, { live: true, retry: true });
  sync.on('error', () => {});  // the server goes away at the end
  const close = async () => {
    sync.cancel();
    await local.close();
  };
  return { local, close };
}

async function makeChannel(phone, local) {
  title('The phone logs in with its own secret, replicates its control database, and makes a channel there');
  await waitFor(() => local.get(phone.id), { what: 'the phone itself in its control database', ...FAST });
  const id = 'fun-times-of-alice';
  const sent = Date.now();
  await local.put({ _id: id, type: 'channel', state: 'new', name: 'Fun Times', owner: OWNER });
  const channel = await waitFor(async () => {
    const doc = await local.get(id);
    return doc.state === 'ready' && doc;
  }, FAST);
  return { channel, toReady: Date.now() - sent };
}

function measured(pid, figures) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1];
  title('Measured in this run');
  say(`  device document -> mail        ${figures.toMail} ms`);
  say(`  confirm clicked -> active      ${figures.toActive} ms`);
  say(`  channel new -> ready           ${figures.toReady} ms`);
  say(`  the daemon                     ${(Number(field('VmRSS')) / 1024).toFixed(1)} MB resident, ${field('Threads')} threads`);
}

async function lookAround(server, phone, channel) {
  title('The user\'s channel is ready');
  const { body } = await phone.request(`${channel.syncpoint}/description`);
  print(channel.database, body);
  // The password of a server that is somebody's stays his.
  const login = server.kind === 'external' ? '' : `${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}@`;
  say(`\n  Look around: ${server.url.replace('://', `://${login}`)}/_all_dbs${login ? '' : ' (as your admin)'}`);
  say(`  The channel: ${channel.syncpoint.replace('://', `://${phone.username}:${phone.secret}@`)}/_all_docs?include_docs=true`);
}

async function untilCtrlC(interrupted) {
  if (!process.stdin.isTTY) return;
  say('\nEverything stays up until Ctrl-C.');
  process.stdin.resume();
  await interrupted.catch(() => {});
  say();
}

/** On a server that is somebody's nothing stays behind: neither databases nor log-ins. */
async function forget(server, daemon, phones) {
  await daemon.close();
  for (const { username } of phones) {
    const path = `/_users/org.couchdb.user:${username}`;
    const { body, status } = await server.request(path);
    if (status === 200) await server.request(`${path}?rev=${body._rev}`, { method: 'DELETE' });
  }
}

async function loop({ server, mailSink, daemon, phones, closers }) {
  const handshake = watch('handshake', daemon.handshake, server);
  closers.unshift(() => handshake.stop());
  const registered = await register(daemon, handshake, mailSink);
  const { phone } = registered;
  phones.push(phone);
  const { active, toActive } = await activate(registered, handshake);
  const control = watch('control', active.syncpoint, phone.auth);
  closers.unshift(() => control.stop());
  const { local, close } = replicate(phone, active.syncpoint);
  closers.unshift(close);
  const { channel, toReady } = await makeChannel(phone, local);
  await control.shown(channel._id, 'ready');
  await control.shown(`${channel._id}-sub-${active.user}`, 'active');
  await lookAround(server, phone, channel);
  measured(daemon.child.pid, { toMail: registered.toMail, toActive, toReady });
}

async function main(interrupted) {
  const closers = [];  // the last made first
  try {
    const server = await startCouch({ own: true });
    closers.unshift(() => server.close());
    const mailSink = await startMailSink();
    closers.unshift(() => mailSink.close());
    say(`server: ${server.name} at ${server.url}`);
    const names = server.kind === 'external' ? newNames() : undefined;
    const daemon = await startDaemon({ server, mail: mailSink, names: names ?? defaultNames() });
    const phones = [];
    closers.unshift(() => (names ? forget(server, daemon, phones) : daemon.stop()));
    say(daemon.output.trim().split('\n').at(-1));
    await Promise.race([interrupted, loop({ server, mailSink, daemon, phones, closers })]);
    await untilCtrlC(interrupted);
  } finally {
    for (const close of closers) await close();
  }
}

function defaultNames() {
  return { handshake_db: 'channels-handshake', registry_db: 'channels-registry', control_prefix: 'control-', channel_prefix: 'channel-' };
}

/** Fails at Ctrl-C; at a second one everything ends at once (each process that was started listens to our 'exit'). */
function untilInterrupted() {
  return new Promise((resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.once(signal, () => {
        process.on(signal, () => process.exit(130));
        reject(new Interrupted());
      });
    }
  });
}
class Interrupted extends Error {}

const interrupted = untilInterrupted();
interrupted.catch(() => {});
const code = await main(interrupted).then(() => 0, (error) => {
  if (!(error instanceof Interrupted)) throw error;
  return 130;
});
process.exit(code);

// make demo: a server, a mail server, the daemon, and one device through the whole loop, printed as it happens.
// On a terminal everything stays up until Ctrl-C; without one it ends by itself.

import { readFileSync } from 'node:fs';
import { startDaemon, newNames } from '../tests/lib/daemon.mjs';
import { startCouch } from '../tests/lib/couch_server.mjs';
import { Device, confirm, confirmDocument } from '../tests/lib/device.mjs';
import { linkIn, startMailSink } from '../tests/lib/mail_sink.mjs';
import { request, waitFor } from '../tests/lib/net.mjs';

const OWNER = 'alice@example.com';
const FAST = { interval: 2, timeout: 30000 };
const bold = (text) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const say = (text = '') => console.log(text);
const title = (text) => say(`\n${bold(`== ${text}`)}`);
const indented = (text) => text.trimEnd().replace(/^/gm, '    ');

/** Prints each document of a database as it changes, until stop() is called. */
function watch(name, url, auth) {
  let stopped = false;
  const follow = async () => {
    let since = '0';
    while (!stopped) {
      const { body, status } = await request(`${url}/_changes?feed=longpoll&include_docs=true&timeout=1000&since=${encodeURIComponent(since)}`, { auth });
      if (status !== 200) return;
      for (const { doc } of body.results) if (!doc._id.startsWith('_design/')) print(name, doc);
      since = body.last_seq;
    }
  };
  const done = follow().catch(() => {});
  return { stop: () => { stopped = true; return done; } };
}

function print(name, doc) {
  const { _id, _rev, type, state, ...rest } = doc;
  say(`  [${name}] ${type} ${_id.length > 24 ? `${_id.slice(0, 16)}…` : _id} ${bold(state ?? '')} (rev ${_rev.split('-')[0]})`);
  const fields = JSON.stringify(rest, null, 2);
  if (fields !== '{}') say(indented(fields));
}

function printMail(mail) {
  say(`  To: ${mail.to.join(', ')}\n  Subject: ${mail.subject}\n`);
  say(indented(mail.text));
  say(`    (and ${mail.html.length} characters of HTML)`);
}

async function register(handshake, mailSink) {
  title(`A phone registers for ${OWNER}`);
  const phone = new Device({ handshake, owner: OWNER, name: "Alice's phone", locale: 'en' });
  const sent = Date.now();
  await phone.register();
  const mail = await mailSink.next({ to: OWNER });
  const { device_code: deviceCode } = await phone.waitFor('confirming', FAST);
  title('The mail that arrived');
  printMail(mail);
  say(`\n  The phone shows the code ${bold(deviceCode)}; Alice types it into the page behind the link.`);
  return { phone, mail, deviceCode, toMail: mail.at - sent };
}

async function activate({ phone, mail, deviceCode }) {
  title('Alice sends the page\'s form: a confirm document with a proof, not with a code');
  const clicked = Date.now();
  await confirm(phone.handshake, confirmDocument({ ...linkIn(mail), deviceCode }));
  const active = await phone.waitFor('active', FAST);
  return { active, toActive: Date.now() - clicked };
}

async function makeChannel(phone, control) {
  title('The phone logs in with its own secret and makes a channel');
  const id = 'fun-times-of-alice';
  const sent = Date.now();
  await phone.request(`${control}/${id}`, { method: 'PUT', body: { type: 'channel', state: 'new', name: 'Fun Times', owner: OWNER } });
  const channel = await waitFor(async () => {
    const { body } = await phone.request(`${control}/${id}`);
    return body.state === 'ready' && body;
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
  const login = `${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}@`;
  say(`\n  Look around: ${server.url.replace('://', `://${login}`)}/_all_dbs`);
  say(`  The channel: ${channel.syncpoint.replace('://', `://${phone.username}:${phone.secret}@`)}/_all_docs?include_docs=true`);
}

// Ctrl-C before the end: what was started ends with us (each of it listens to 'exit').
const abandon = () => process.exit(130);
process.on('SIGINT', abandon);
process.on('SIGTERM', abandon);

async function untilCtrlC() {
  if (!process.stdin.isTTY) return;
  say('\nEverything stays up until Ctrl-C.');
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal).once(signal, resolve);
    process.stdin.resume();
  });
}

async function main() {
  const server = await startCouch({ own: true });
  const mailSink = await startMailSink();
  const names = server.kind === 'external' ? newNames() : undefined;
  const closers = [() => mailSink.close(), () => server.close()];
  try {
    say(`server: ${server.name} at ${server.url}`);
    const daemon = await startDaemon({ server, mail: mailSink, names: names ?? defaultNames() });
    closers.unshift(() => (names ? daemon.close() : daemon.stop()));
    say(daemon.output.trim().split('\n').at(-1));
    const handshake = watch('handshake', daemon.handshake, server);
    closers.unshift(() => handshake.stop());
    const registered = await register(daemon.handshake, mailSink);
    const { active, toActive } = await activate(registered);
    const control = watch('control', active.syncpoint, registered.phone.auth);
    closers.unshift(() => control.stop());
    const { channel, toReady } = await makeChannel(registered.phone, active.syncpoint);
    await new Promise((resolve) => setTimeout(resolve, 500));  // the last documents are printed
    await lookAround(server, registered.phone, channel);
    measured(daemon.child.pid, { toMail: registered.toMail, toActive, toReady });
    await untilCtrlC();
  } finally {
    for (const close of closers) await close();
  }
}

function defaultNames() {
  return { handshake_db: 'channels-handshake', registry_db: 'channels-registry', control_prefix: 'control-', channel_prefix: 'channel-' };
}

await main();
process.exit(0);

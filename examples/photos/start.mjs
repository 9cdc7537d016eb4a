// make photos: a server, a mail server, the daemon and the page. Open the address that it prints in two windows; each is a
// device. Until Ctrl-C; everything is in a temporary folder. --port N for the page's port.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { buildBundle } from '../../clients/pouchdb/build.mjs';
import { startCouch } from '../../tests/lib/couch_server.mjs';
import { newNames, startDaemon } from '../../tests/lib/daemon.mjs';
import { LINK, startMailSink } from '../../tests/lib/mail_sink.mjs';
import { cors, startStaticServer } from '../../tests/lib/static_server.mjs';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const NAMES = { handshake_db: 'channels-handshake', registry_db: 'channels-registry', control_prefix: 'control-', channel_prefix: 'channel-' };

const bundle = mkdtempSync(join(tmpdir(), 'channels-photos-'));
const closers = [() => rmSync(bundle, { recursive: true, force: true })];

async function end() {
  for (const close of closers.splice(0).reverse()) await close();
  process.exit(0);
}

process.once('SIGINT', end);
process.once('SIGTERM', end);

const server = await startCouch({ own: true, config: cors });
closers.push(() => server.close());
const mail = await startMailSink();
closers.push(() => mail.close());
const names = server.kind === 'external' ? newNames() : NAMES;
const daemon = await startDaemon({ server, mail, names });
closers.push(() => (server.kind === 'external' ? daemon.close() : daemon.stop()));
await buildBundle(join(bundle, 'pouchdb-channels.js'));

const newestLink = () => mail.mails.map(({ text }) => LINK.exec(text)?.[0]).filter(Boolean).at(-1) ?? '';
const pages = await startStaticServer({
  '/': here('./'),
  '/dist/': bundle,
  '/pouchdb.js': here('../../tests/node_modules/pouchdb/dist/pouchdb.min.js'),
  '/settings.json': { body: JSON.stringify({ server: server.url, handshake: names.handshake_db }), type: 'application/json' },
  '/newest-mail': { get body() { return newestLink(); }, type: 'text/plain' },
}, { port: Number(values.port) });
closers.push(() => pages.close());

console.log(`server: ${server.name} at ${server.url}`);
console.log(`\n  one window:  ${pages.url}/?device=phone\n  another:     ${pages.url}/?device=laptop\n  another person's: ${pages.url}/?device=tablet&owner=bob@example.com\n`);
console.log('Register the first two for the same address, confirm each by the link that it shows, and add a photo to one. Share the album with the other person, who accepts. Ctrl-C ends all.');

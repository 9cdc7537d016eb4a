// A device in headless Chromium, with the bundle on a plain page of another origin, and one in this process: both ways, with
// large attachments, offline, and over a restart of the cloud. Real server, mail server, daemon, browser.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skipReason, startBrowser } from '../../confirm_page/test_page.mjs';
import { confirm, confirmDocument } from '../../../tests/lib/device.mjs';
import { LINK, linkIn } from '../../../tests/lib/mail_sink.mjs';
import { serverKind } from '../../../tests/lib/couch_server.mjs';
import { cors, startStaticServer } from '../../../tests/lib/static_server.mjs';
import { startWorld } from '../../../tests/lib/world.mjs';
import { buildBundle } from '../build.mjs';
import { assertSame, channelNamed, closeAll, contentOfDatabase, hasChannel, hasDoc, newDevice, waitFor } from './people.mjs';

const require = createRequire(new URL('../../../tests/package.json', import.meta.url));
const OWNER = 'carol@example.com';
const PATIENT = { timeout: 60000 };
const PAGE = `<!doctype html><title>a device</title><script src="/pouchdb.js"></script><script src="/dist/pouchdb-channels.js"></script>`;
const cannot = skipReason || (serverKind({ own: true }) === 'external' ? 'needs a server that it may configure and restart' : false);

/** In the page: `device`, and what its events said. */
async function open(page, options) {
  await page.evaluate(async (given) => {
    window.device = await PouchDB.channels(given);
    window.heard = { errors: [] };
    window.device.on('error', ({ error, reason }) => window.heard.errors.push({ error, reason }));
  }, options);
}

const statusOf = (page) => page.evaluate(() => window.device.status);

/** As contentOfDatabase(), in the page. */
function contentIn(page, name) {
  return page.evaluate(`(async () => { ${sorted}; ${contentOfDatabase}; return contentOfDatabase(window.device.channel(${JSON.stringify(name)})); })()`);
}

function sorted(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

describe('a device in a browser', { skip: cannot }, () => {
  let world, pages, browser, context, page, node, options;
  const folder = mkdtempSync(join(tmpdir(), 'channels-bundle-'));

  before(async () => {
    world = await startWorld({ own: true, config: cors });
    await buildBundle(join(folder, 'pouchdb-channels.js'));
    pages = await startStaticServer({
      '/': { body: PAGE, type: 'text/html' },
      '/dist/': folder,
      '/pouchdb.js': fileURLToPath(new URL('../../../tests/node_modules/pouchdb/dist/pouchdb.min.js', import.meta.url)),
    });
    browser = await startBrowser();
    context = await browser.newContext();
    page = await context.newPage();
    options = { server: world.server.url, handshake: world.daemon.names.handshake_db, name: "Carol's browser" };
    await page.goto(pages.url);
    await open(page, options);
  });

  after(async () => {
    await closeAll([node]);
    await browser?.close();
    await pages?.close();
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('registers, shows its code, is active; a channel that it made before is on the other device', async () => {
    await page.evaluate((owner) => {
      window.made = window.device.channel('Photos').put({ _id: 'from the browser', text: 'before the pairing' });
      window.device.register({ owner });
      return window.made;
    }, OWNER);
    const mail = await world.mail.next({ to: OWNER, text: LINK, timeout: 60000 });
    const { code } = await waitFor(async () => { const status = await statusOf(page); return status.code && status; }, PATIENT);
    await confirm(world.handshake, confirmDocument({ ...linkIn(mail), deviceCode: code }));
    await waitFor(async () => (await statusOf(page)).online, { ...PATIENT, what: 'an active device' });
    node = await newDevice(world, OWNER, "Carol's laptop");
    await hasChannel(node, 'Photos');
    await hasDoc(node.channel('Photos'), 'from the browser');
  });

  test('large attachments travel both ways, 20 MB into the browser', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    await node.channel('Photos').put({ _id: 'to the browser', _attachments: { film: { content_type: 'video/mp4', data: bytes } } });
    await page.evaluate(async () => {
      const data = new Blob(Array.from({ length: 80 }, () => crypto.getRandomValues(new Uint8Array(65536))), { type: 'video/mp4' });
      await window.device.channel('Photos').put({ _id: 'film of the browser', _attachments: { film: { content_type: 'video/mp4', data } } });
    });
    await hasDoc(node.channel('Photos'), 'film of the browser');
    await waitFor(() => page.evaluate(() => window.device.channel('Photos').get('to the browser').catch(() => null)), { ...PATIENT, what: 'the film in the browser' });
    const size = await page.evaluate(async () => (await window.device.channel('Photos').getAttachment('to the browser', 'film')).size);
    assert.equal(size, bytes.length);
  });

  test('offline it goes on, also over a reload, and catches up by itself', async () => {
    await node.channel('Photos').put({ _id: 'seen', n: 0 });
    await waitFor(() => page.evaluate(() => window.device.channel('Photos').get('seen').catch(() => null)), PATIENT);
    await page.evaluate(() => window.device.close());
    await page.reload();
    await context.setOffline(true);
    await open(page, options);
    await page.evaluate(async () => {
      const photos = window.device.channel('Photos');
      for (let n = 0; n < 200; n += 1) await photos.put({ _id: `offline-${n}`, n });
      await window.device.channel('Made offline').put({ _id: 'first' });
    });
    for (let n = 0; n < 200; n += 1) await node.channel('Photos').put({ _id: `meanwhile-${n}`, n });
    assert.equal((await statusOf(page)).online, false);
    await context.setOffline(false);
    await hasDoc(node.channel('Photos'), 'offline-199');
    await hasChannel(node, 'Made offline');
    await hasDoc(node.channel('Made offline'), 'first');
    await waitFor(() => page.evaluate(() => window.device.channel('Photos').get('meanwhile-199').catch(() => null)), PATIENT);
  });

  test('the cloud restarts in the middle: nothing is lost, and nobody has to do anything', async () => {
    const writing = [node.channel('Photos'), null].map(async (photos) => {
      if (photos) for (let n = 0; n < 300; n += 1) await photos.put({ _id: `node-${n}`, n });
      else await page.evaluate(async () => { for (let n = 0; n < 300; n += 1) await window.device.channel('Photos').put({ _id: `browser-${n}`, n }); });
    });
    await hasDoc(node.channel('Photos'), 'browser-5');
    await world.server.kill();
    await Promise.all(writing);
    await waitFor(async () => !(await statusOf(page)).online && !node.status.online, { ...PATIENT, what: 'being told that the server is away' });
    await world.server.start();
    await hasDoc(node.channel('Photos'), 'browser-299');
    await waitFor(() => page.evaluate(() => window.device.channel('Photos').get('node-299').catch(() => null)), { ...PATIENT, what: 'the last document in the browser' });
  });

  test('at the end all copies are equal, document by document', async () => {
    for (const name of ['Photos', 'Made offline']) {
      await assertSame(world, name, [node]);
      await page.evaluate((wanted) => window.device.sync(wanted), name);
      assert.deepEqual(await contentIn(page, name), await contentOfDatabase(node.channel(name)), name);
    }
    assert.equal((await contentOfDatabase(node.channel('Photos'))).length, 1005);
    assert.deepEqual(await page.evaluate(() => window.heard.errors), []);
    assert.deepEqual(node.heard.errors.map(({ reason }) => reason), []);
    assert.equal(channelNamed(node, 'Photos').state, 'ready');
  });
});

// A device in headless Chromium, with the bundle on a plain page of another origin, and one in this process: both ways, with
// large attachments, offline, and over a restart of the cloud. Real server, mail server, daemon, browser.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { serverKind } from '../../../tests/lib/couch_server.mjs';
import { cors } from '../../../tests/lib/static_server.mjs';
import { startWorld } from '../../../tests/lib/world.mjs';
import { PATIENT, assertSame, channelNamed, closeAll, contentOfDatabase, hasChannel, hasDoc, newDevice, waitFor } from './people.mjs';
import { skipReason, startTabs } from './tab.mjs';

const OWNER = 'carol@example.com';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const cannot = skipReason || (serverKind({ own: true }) === 'external' ? 'needs a server that it may configure and restart' : false);

describe('a device in a browser', { skip: cannot }, () => {
  let world, tabs, tab, page, node;

  before(async () => {
    world = await startWorld({ own: true, config: cors });
    tabs = await startTabs(world);
    tab = await tabs.newTab("Carol's browser");
    page = tab.page;
  });

  after(async () => {
    await closeAll([node]);
    await tabs?.close();
    await world?.close();
  });

  test('registers, shows its code, is active; a channel that it made before is on the other device', async () => {
    await tab.putAll('Photos', [{ _id: 'from the browser', text: 'before the pairing' }]);
    await tab.pair(OWNER);
    node = await newDevice(world, OWNER, "Carol's laptop");
    await hasChannel(node, 'Photos');
    await hasDoc(node.channel('Photos'), 'from the browser');
  });

  test('attachments of 20 MB travel both ways', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    await node.channel('Photos').put({ _id: 'to the browser', _attachments: { film: { content_type: 'video/mp4', data: bytes } } });
    const sent = await page.evaluate(async () => {
      const data = new Blob(Array.from({ length: 320 }, () => crypto.getRandomValues(new Uint8Array(65536))), { type: 'video/mp4' });
      await window.device.channel('Photos').put({ _id: 'film of the browser', _attachments: { film: { content_type: 'video/mp4', data } } });
      const digest = await crypto.subtle.digest('SHA-256', await data.arrayBuffer());
      return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
    });
    await hasDoc(node.channel('Photos'), 'film of the browser');
    await tab.hasDoc('Photos', 'to the browser');
    const got = await node.channel('Photos').getAttachment('film of the browser', 'film');
    assert.equal(got.length, bytes.length);
    assert.equal(sha256(got), sent);
    const there = await page.evaluate(async () => {
      const film = await window.device.channel('Photos').getAttachment('to the browser', 'film');
      const digest = await crypto.subtle.digest('SHA-256', await film.arrayBuffer());
      return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
    });
    assert.equal(there, sha256(bytes));
  });

  test('offline it goes on, also over a reload, and catches up by itself', async () => {
    await node.channel('Photos').put({ _id: 'seen', n: 0 });
    await tab.hasDoc('Photos', 'seen');
    await tab.reload({ offline: true });
    await tab.putAll('Photos', Array.from({ length: 200 }, (_, n) => ({ _id: `offline-${n}`, n })));
    await tab.putAll('Made offline', [{ _id: 'first' }]);
    for (let n = 0; n < 200; n += 1) await node.channel('Photos').put({ _id: `meanwhile-${n}`, n });
    assert.equal((await tab.status()).online, false);
    await tab.context.setOffline(false);
    await hasDoc(node.channel('Photos'), 'offline-199');
    await hasChannel(node, 'Made offline');
    await hasDoc(node.channel('Made offline'), 'first');
    await tab.hasDoc('Photos', 'meanwhile-199');
  });

  test('the cloud restarts in the middle: nothing is lost, and nobody has to do anything', async () => {
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    const writing = [
      tab.putAll('Photos', numbers.map((n) => ({ _id: `browser-${n}`, n }))),
      (async () => { for (const n of numbers) await node.channel('Photos').put({ _id: `node-${n}`, n }); })(),
    ];
    await hasDoc(node.channel('Photos'), 'browser-5');
    await world.server.kill();
    await Promise.all(writing);
    await waitFor(async () => !(await tab.status()).online && !node.status.online, { ...PATIENT, what: 'being told that the server is away' });
    await world.server.start();
    await hasDoc(node.channel('Photos'), 'browser-299');
    await tab.hasDoc('Photos', 'node-299');
  });

  test('at the end all copies are equal, document by document', async () => {
    for (const name of ['Photos', 'Made offline']) {
      await assertSame(world, name, [node]);
      await tab.sync(name);
      assert.deepEqual(await tab.content(name), await contentOfDatabase(node.channel(name)), name);
    }
    assert.equal((await contentOfDatabase(node.channel('Photos'))).length, 1005);
    assert.deepEqual(await tab.errors(), []);
    assert.deepEqual(node.heard.errors.map(({ reason }) => reason), []);
    assert.equal(channelNamed(node, 'Photos').state, 'ready');
  });
});

// The example app, started as a newcomer does, in windows of a browser: a photo travels, and an album is shared.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { skipReason, startBrowser, waitForText } from '../../confirm_page/test_page.mjs';
import { serverKind } from '../../../tests/lib/couch_server.mjs';
import { waitFor } from './people.mjs';

const cannot = skipReason || (serverKind({ own: true }) === 'external' ? 'needs a server that it may configure' : false);

async function pairWindow(window) {
  await window.click('#register button');
  await waitForText(window, '#code', /^[B-Z]{4}-[B-Z]{4}$/, { timeout: 60000 });
  const code = await window.innerText('#code');
  const [mailed] = await Promise.all([window.context().waitForEvent('page'), window.click('#mail')]);
  await mailed.fill('#code', code);
  await mailed.click('#confirm');
  await waitForText(mailed, '#end', /Done/, { timeout: 60000 });
  await mailed.close();
  await waitForText(window, '#status', /In sync/, { timeout: 60000 });
}

test('two windows are two devices, and a photo travels from one to the other; another person accepts the album, and adds a photo', { skip: cannot }, async () => {
  const example = spawn(process.execPath, [fileURLToPath(new URL('../../../examples/photos/start.mjs', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] });
  const browser = await startBrowser();
  try {
    let said = '';
    example.stdout.on('data', (chunk) => { said += chunk; });
    await waitFor(() => said.includes('Ctrl-C'), { timeout: 60000, what: 'the example being up' });
    const windows = [];
    for (const url of said.match(/http:\S+device=\S+/g)) {
      const window = await (await browser.newContext({ locale: 'en-US' })).newPage();
      await window.goto(url);
      windows.push(window);
    }
    const [phone, laptop, tablet] = windows;
    await phone.click('.draw');
    await phone.waitForSelector('.photos img');
    for (const window of windows) await pairWindow(window);
    await laptop.waitForSelector('.photos img', { timeout: 60000 });
    const sizes = await Promise.all([phone, laptop].map((window) => window.evaluate(async () => (await (await fetch(document.querySelector('.photos img').src)).arrayBuffer()).byteLength)));
    assert.equal(sizes[0], sizes[1]);
    assert.ok(sizes[0] > 1000);

    await phone.fill('.share input[type=email]', 'bob@example.com');
    await phone.click('.share button');
    await tablet.click('#invitations .accept', { timeout: 60000 });
    await tablet.waitForSelector('.album .photos img', { timeout: 60000 });
    await waitForText(phone, '.people', /2 people have this album\. You are an owner/, { timeout: 60000 });
    const shared = tablet.locator('.album').filter({ hasText: 'You are a writer' });
    await shared.locator('.draw').click();
    for (const window of [phone, laptop]) await window.waitForFunction(() => document.querySelectorAll('.photos img').length === 2, null, { timeout: 60000 });
    await shared.locator('.leave').click();
    await tablet.waitForFunction(() => document.querySelectorAll('.album').length === 1, null, { timeout: 60000 });
  } finally {
    await browser.close();
    example.kill('SIGTERM');
    await once(example, 'exit');
  }
});

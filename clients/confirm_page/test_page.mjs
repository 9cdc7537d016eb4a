// What the tests of this folder share: a browser, and the confirmation page in it as a person would open it,
// from the server's /_utils/ and with the headers that CouchDB sends there. A page collects every error of its
// console (violations of the content security policy among them) in `page.errors`.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { request } from '../../tests/lib/net.mjs';

const require = createRequire(new URL('../../tests/package.json', import.meta.url));
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';

/** A name that means the loopback but, unlike 127.0.0.1, is no secure context. */
export const PLAIN_HOST = 'channels.test';

/** Why browser tests cannot run here; false if they can. */
export const skipReason = existsSync(CHROMIUM) ? false : `no browser at ${CHROMIUM} (CHROMIUM names another)`;

export async function startBrowser() {
  const { chromium } = require('playwright-core');
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
      '--disable-features=LocalNetworkAccessChecks',  // a page under that name may load from the loopback
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
}

/** A server that a person gave may not have the page. */
export async function pageIsThere(server) {
  return (await request(`${server.url}/_utils/channels/confirm.html`)).status === 200;
}

/**
 * Opens `url` in a context of its own. `metas` ({name: content}) replaces the page's meta elements: tests have
 * databases of their own names. All else of the page's answer, headers too, is the server's.
 */
export async function openPage(browser, url, { metas = {}, locale = 'en-US', viewport = { width: 360, height: 640 }, prepare, ...more } = {}) {
  const context = await browser.newContext({ locale, viewport, ...more });
  const page = await context.newPage();
  page.errors = [];
  page.sent = [];  // "METHOD path" of every request that isn't for a file of the page
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') page.errors.push(message.text()); });
  page.on('request', (sent) => {
    const { pathname } = new URL(sent.url());
    if (!pathname.includes('/_utils/')) page.sent.push(`${sent.method()} ${pathname}`);
  });
  await page.route('**/confirm.html', async (route) => {
    const url = route.request().url().replace(PLAIN_HOST, '127.0.0.1');  // only the browser knows that name
    const response = await route.fetch({ url });
    await route.fulfill({ response, body: withMetas(await response.text(), metas) });
  });
  await prepare?.(page);
  await page.goto(url);
  return page;
}

function withMetas(html, metas) {
  return Object.entries(metas).reduce((text, [name, content]) => {
    const changed = text.replace(new RegExp(`(<meta name="${name}" content=")[^"]*`), `$1${content}`);
    assert.ok(changed.includes(`<meta name="${name}" content="${content}"`), `confirm.html has the meta element ${name}`);
    return changed;
  }, html);
}

/** Nothing went wrong that a person with open developer tools would see; then closes the page. */
export async function closeClean(page, { expected = null } = {}) {
  const errors = page.errors.filter((text) => !expected?.test(text));
  await page.context().close();
  assert.deepEqual(errors, []);
}

/** Waits until the text of the one visible element `selector` fits. */
export async function waitForText(page, selector, pattern, { timeout = 20000 } = {}) {
  await page.waitForFunction(([wanted, source, flags]) => {
    const found = document.querySelector(wanted);
    return found && found.getClientRects().length > 0 && new RegExp(source, flags).test(found.textContent.replace(/\s+/g, ' ').trim());
  }, [selector, pattern.source, pattern.flags], { timeout }).catch(async (error) => {
    throw new Error(`${selector} is not ${pattern}; the page says:\n${await page.innerText('main')}`, { cause: error });
  });
}

/** The page takes no answer to its second question before a person can have read it. */
export async function passSecondThought(page) {
  await page.clock.install();
  await page.clock.fastForward(1000);
}

export function focusedId(page) {
  return page.evaluate(() => document.activeElement.id);
}

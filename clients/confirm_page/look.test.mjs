// How the confirmation page looks and reads: languages, narrow and wide, light and dark, and what its
// files must not hold so that it runs under CouchDB's content security policy.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import vm from 'node:vm';
import { startCouch } from '../../tests/lib/couch_server.mjs';
import { closeClean, openPage, pageIsThere, skipReason, startBrowser, waitForText } from './test_page.mjs';

const FRAGMENT = `${'ab'.repeat(32)}.${'01'.repeat(32)}`;
const VIEWS = ['start', 'reject', 'waiting', 'end'];
const PHONES_NARROWEST = { width: 320, height: 568 };

const source = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

function texts() {
  const global = {};
  vm.runInNewContext(`(function () { ${source('texts.js')} }).call(global)`, { global });
  return global.texts;
}

test('every language has the same texts, all of them used', () => {
  const { en, ...others } = texts();
  const names = Object.keys(en).sort();
  for (const [language, words] of Object.entries(others)) assert.deepEqual(Object.keys(words).sort(), names, language);
  for (const words of Object.values(texts())) for (const text of Object.values(words)) assert.match(text, /\S/);
  const users = source('confirm.html') + source('confirm.js') + source('proof.js');
  for (const name of names) assert.match(users, new RegExp(`\\b${name}\\b`), `the text ${name} is shown somewhere`);
});

test('the page’s parts are files of its folder, and nothing is inline', () => {
  const html = source('confirm.html');
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name).filter((name) => !name.startsWith('data:'));
  assert.ok(files.length >= 5);
  for (const name of files) assert.ok(existsSync(new URL(name, import.meta.url)), name);
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/);
  assert.doesNotMatch(source('confirm.js') + source('proof.js') + source('texts.js'), /innerHTML|insertAdjacent|document\.write|\beval\b|crypto\.subtle/);
});

describe('the look of the confirmation page', { skip: skipReason }, () => {
  let server, browser;

  before(async () => {
    server = await startCouch();
    browser = await startBrowser();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  function pageTest(name, fn) {
    test(name, async (t) => {
      if (!await pageIsThere(server)) return t.skip(`${server.name} does not serve /_utils/channels/confirm.html`);
      return fn(t);
    });
  }

  function open(options, fragment = FRAGMENT) {
    return openPage(browser, `${server.url}/_utils/channels/confirm.html#${fragment}`, options);
  }

  /** Shows one view with all that it may hold, whatever the page's state is. */
  function reveal(page, view) {
    return page.evaluate(([shown, views]) => {
      const words = window.texts[document.documentElement.lang];
      for (const name of views) document.getElementById(name).hidden = name !== shown;
      const fill = (id, text) => { document.getElementById(id).textContent = text; document.getElementById(id).hidden = false; };
      fill('notice_text', words.refused);
      fill('code_error', words.wrong_proof);
      fill('end_heading', words.problemHeading);
      fill('end_text', words.already_answered);
      fill('status', words.offline);
      for (const id of ['notice', 'retry', 'look', 'end_back']) document.getElementById(id).hidden = false;
    }, [view, VIEWS]);
  }

  const languages = { 'de-AT': ['de', 'Code auf Ihrem Gerät'], 'es-MX': ['es', 'Código en su dispositivo'], 'en-GB': ['en', 'Code on your device'], 'ja-JP': ['en', 'Code on your device'] };
  for (const [locale, [language, label]] of Object.entries(languages)) {
    pageTest(`a browser set to ${locale} gets the language ${language}`, async () => {
      const page = await open({ locale });
      await waitForText(page, 'label[for=code]', new RegExp(`^${label}$`));
      assert.equal(await page.getAttribute('html', 'lang'), language);
      assert.equal(await page.title(), texts()[language].title);
      await closeClean(page);
    });
  }

  for (const locale of ['en', 'de', 'es']) {
    pageTest(`at 320 px nothing is cut off and all can be touched (${locale})`, async () => {
      const page = await open({ locale, viewport: PHONES_NARROWEST });
      for (const view of VIEWS) {
        await reveal(page, view);
        const found = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth,
          small: [...document.querySelectorAll('button, #code, .choice label')].map((part) => part.getBoundingClientRect())
            .filter(({ width, height }) => width > 0 && (height < 44 || width < 44)).length,
          unnamed: [...document.querySelectorAll('button, input')].filter((part) => part.getClientRects().length > 0 &&
            !(part.textContent || part.labels?.[0]?.textContent)).length,
        }));
        assert.deepEqual(found, { wide: PHONES_NARROWEST.width, small: 0, unnamed: 0 }, view);
      }
      await closeClean(page);
    });
  }

  for (const colorScheme of ['light', 'dark']) {
    pageTest(`text has enough contrast (${colorScheme})`, async () => {
      const page = await open({ colorScheme });
      for (const view of VIEWS) {
        await reveal(page, view);
        assert.deepEqual(await page.evaluate(faintTexts), [], view);
      }
      await closeClean(page);
    });
  }

  pageTest('without scripts the page says that it needs them', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.waitForSelector('#unready', { state: 'visible' });
    assert.equal(await page.isVisible('#form'), false);
    await closeClean(page);
  });
});

/** Runs in the page: visible texts with less contrast to their ground than 4.5 : 1 (WCAG 2 AA). */
function faintTexts() {
  const channels = (color) => (color.match(/[\d.]+/g) || []).map(Number);
  const luminance = (color) => channels(color).slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (part) => {
    const color = getComputedStyle(part).backgroundColor;
    return channels(color)[3] === 0 ? ground(part.parentElement) : color;
  };
  return [...document.querySelectorAll('p, h1, h2, label, button')]
    .filter((part) => part.getClientRects().length > 0 && part.textContent.trim())
    .filter((part) => {
      const [dark, light] = [luminance(getComputedStyle(part).color), luminance(ground(part))].sort((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05) < 4.5;
    })
    .map((part) => `${part.id || part.tagName}: ${part.textContent.trim().slice(0, 40)}`);
}

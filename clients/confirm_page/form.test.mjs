// The confirmation page by itself: links, the form, languages, layout, and every answer that a server may
// give, also those that no daemon gives on demand. The server only serves the page; the handshake is played.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startCouch } from '../../tests/lib/couch_server.mjs';
import { confirmDocument } from '../../tests/lib/device.mjs';
import { closeClean, focusedId, openPage, pageIsThere, passSecondThought, skipReason, startBrowser, waitForText } from './test_page.mjs';

const SUBJECT = 'ab'.repeat(32);
const ADDRESS_KEY = 'cd'.repeat(16);
const CODE = '0123456789abcdef'.repeat(4);
const DEVICE_CODE = 'BCDF-GHJK';
const NETWORK_TROUBLE = /Failed to load resource|ERR_/;  // the browser's own words in the console

describe('the confirmation page by itself', { skip: skipReason }, () => {
  let server, browser, pageUrl;

  before(async () => {
    server = await startCouch();
    pageUrl = `${server.url}/_utils/channels/confirm.html`;
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

  /** Opens the page; `handshake` (route, doc) answers what it sends there, the document if it was a PUT. */
  function open({ fragment = `${SUBJECT}.${CODE}`, handshake, ...options } = {}) {
    return openPage(browser, `${pageUrl}#${fragment}`, {
      prepare: (page) => handshake && page.route('**/channels-handshake/*', (route) => handshake(route, route.request().postDataJSON())),
      ...options,
    });
  }

  const isPut = (route) => route.request().method() === 'PUT';
  const json = (route, status, body) => route.fulfill({ status, json: body });

  /** A handshake that takes every document, and whose daemon leaves it as `outcome` says. */
  function handshakeWith(outcome) {
    const docs = [];
    const handshake = (route, doc) => {
      if (isPut(route)) docs.push(doc);
      return isPut(route) ? json(route, 201, { ok: true }) : json(route, 200, { ...docs.at(-1), ...outcome });
    };
    return { docs, handshake };
  }

  const failed = (error, reason = 'Said by the daemon.') => ({ state: 'error', error: { error, reason } });

  /** A file of the page, as any web server would give it, with the meta elements of another installation. */
  function fileOf(route, channelsServer) {
    const name = new URL(route.request().url()).pathname.split('/').pop();
    const contentType = { html: 'text/html', js: 'text/javascript', css: 'text/css' }[name.split('.').pop()];
    const body = readFileSync(new URL(name, import.meta.url), 'utf8')
      .replace('content="channels-handshake"', 'content="our/handshake"')
      .replace('name="channels-server" content=""', `name="channels-server" content="${channelsServer}"`);
    return { body, contentType };
  }

  async function answerYes(page) {
    await page.fill('#code', DEVICE_CODE);
    await page.click('#confirm');
  }

  async function answerNotMe(page) {
    await page.click('#stranger');
    await passSecondThought(page);
    await page.click('#reject_button');
  }

  pageTest('a fragment that is no link is told, and offers no form', async () => {
    for (const fragment of ['', 'x', SUBJECT, `${SUBJECT}.`, `${SUBJECT}.${CODE.slice(1)}`, `${SUBJECT}.${CODE}0`, `${SUBJECT.slice(2)}.${CODE}`, '<img src=x onerror=alert(1)>']) {
      const page = await open({ fragment });
      await waitForText(page, '#end', /not complete Please open the link from the mail anew/);
      assert.equal(await page.isVisible('#form'), false);
      assert.equal(await focusedId(page), 'end_heading');
      assert.deepEqual(page.sent, []);
      await closeClean(page);
    }
  });

  pageTest('a link is read in upper case, and with what a mail gateway appends', async () => {
    for (const fragment of [`${SUBJECT}.${CODE}`.toUpperCase(), `${SUBJECT}.${CODE}?utm_source=mail`]) {
      const { docs, handshake } = handshakeWith({ state: 'used' });
      const page = await open({ fragment, handshake });
      await answerYes(page);
      await waitForText(page, '#end', /Done/);
      assert.equal(docs[0].device, SUBJECT);
      await closeClean(page);
    }
  });

  pageTest('another link opened in the same tab is the one that counts', async () => {
    const { docs, handshake } = handshakeWith({ state: 'used' });
    const page = await open({ fragment: 'broken', handshake });
    await waitForText(page, '#end', /not complete/);
    await Promise.all([page.waitForEvent('load'), page.evaluate((hash) => { location.hash = hash; }, `${ADDRESS_KEY}.${CODE}`)]);
    assert.equal(await page.isVisible('#stranger'), false);
    await answerYes(page);
    await waitForText(page, '#end', /Done/);
    assert.equal(docs[0].device, ADDRESS_KEY);
    await closeClean(page);
  });

  pageTest('each answer is the document that the contract asks for', async () => {
    const expected = (answer) => confirmDocument({ subject: SUBJECT, code: CODE, answer, deviceCode: DEVICE_CODE });
    for (const answer of ['yes', 'yes, sign out all others', 'not me']) {
      const { docs, handshake } = handshakeWith({ state: 'used' });
      const page = await open({ handshake });
      if (answer === 'yes, sign out all others') await page.check('#alone');
      await (answer === 'not me' ? answerNotMe(page) : answerYes(page));
      await waitForText(page, '#end', /Done|Thank you/);
      assert.deepEqual(docs, [expected(answer)]);
      assert.deepEqual(page.sent, [`PUT /channels-handshake/${docs[0]._id}`, `GET /channels-handshake/${docs[0]._id}`]);
      await closeClean(page);
    }
  });

  pageTest('what is no code is told at the field and not sent', async () => {
    const page = await open();
    for (const [typed, told] of [['', /Type the code/], [' - ', /Type the code/], ['BCDF-GHJ', /exactly 8/], ['BCDF-GHJKL', /exactly 8/],
      ['BCDE-FGHJ', /only consonants/], ['BCDF-GH1K', /only consonants/], ['BCDF-GHß', /only consonants/]]) {
      await page.fill('#code', typed);
      assert.equal(await page.isVisible('#code_error'), false, 'typing takes the error away');
      await page.click('#confirm');
      await waitForText(page, '#code_error', told);
      assert.equal(await focusedId(page), 'code');
      assert.equal(await page.inputValue('#code'), typed);
    }
    const described = (await page.getAttribute('#code', 'aria-describedby')).split(' ');
    assert.ok(described.includes('code_error') && described.includes('code_hint'));
    assert.deepEqual(page.sent, []);
    await closeClean(page);
  });

  pageTest('each error of the daemon has its own words, and an unknown one its reason as plain text', async () => {
    const words = {
      wrong_proof: /does not fit/, expired: /has expired/, rejected: /was rejected before/, revoked: /was signed out before/,
      already_answered: /was confirmed before/, ambiguous: /for several devices/, bad_confirm: /did not understand/,
      new_kind: /^That did not work <b>No<\/b> room\. Back$/,
    };
    for (const [error, told] of Object.entries(words)) {
      const page = await open({ handshake: handshakeWith(failed(error, '<b>No</b> room.')).handshake });
      await answerYes(page);
      await waitForText(page, error === 'wrong_proof' ? '#code_error' : '#end', told);
      await closeClean(page);
    }
  });

  pageTest('a rejection with a link that fits nothing asks for the newest mail, not for a code', async () => {
    const page = await open({ handshake: handshakeWith(failed('wrong_proof')).handshake });
    await answerNotMe(page);
    await waitForText(page, '#end', /open the link from the newest mail/);
    await closeClean(page);
  });

  pageTest('an answer that could not be sent is kept, and sent by "Try again"', async () => {
    const refusals = [
      [(route) => route.abort('connectionrefused'), /could not be reached/],
      [(route) => json(route, 503, { error: 'unavailable' }), /is busy/],
      [(route) => json(route, 403, { error: 'forbidden' }), /did not take/],
      [(route) => route.fulfill({ status: 200, contentType: 'text/html', body: 'Log in to the hotel' }), /could not be reached/],
    ];
    for (const [refuse, told] of refusals) {
      const { docs, handshake } = handshakeWith({ state: 'used' });
      let down = true;
      const page = await open({ handshake: (route, doc) => (down ? refuse(route) : handshake(route, doc)) });
      await page.check('#alone');
      await answerYes(page);
      await waitForText(page, '#notice', told);
      assert.equal(await focusedId(page), 'notice');
      assert.equal(await page.inputValue('#code'), DEVICE_CODE);
      down = false;
      await page.click('#retry');
      await waitForText(page, '#end', /Done/);
      assert.equal(docs[0].answer, 'yes, sign out all others');
      await closeClean(page, { expected: NETWORK_TROUBLE });
    }
  });

  pageTest('a rejection that could not be sent is sent by "Try again", too', async () => {
    const { docs, handshake } = handshakeWith({ state: 'used' });
    let down = true;
    const page = await open({ handshake: (route, doc) => (down ? route.abort() : handshake(route, doc)) });
    await answerNotMe(page);
    await waitForText(page, '#notice', /could not be reached/);
    down = false;
    await page.click('#retry');
    await waitForText(page, '#end', /Thank you/);
    assert.deepEqual(docs.map(({ answer }) => answer), ['not me']);
    await closeClean(page, { expected: NETWORK_TROUBLE });
  });

  pageTest('a server that is lost after it took the answer is asked on, and at once by "Try again"', async () => {
    const { handshake } = handshakeWith({ state: 'used' });
    let down = true;
    const page = await open({ handshake: (route, doc) => (down && !isPut(route) ? route.abort() : handshake(route, doc)) });
    await answerYes(page);
    await waitForText(page, '#status', /saved, but the server cannot be reached/);
    down = false;
    await page.click('#look');
    await waitForText(page, '#end', /Done/, { timeout: 3000 });
    assert.equal(await page.isVisible('#look'), false);
    await closeClean(page, { expected: NETWORK_TROUBLE });
  });

  pageTest('a document that is not to be seen is waited for, then given up, and may be sent again', async () => {
    const { docs, handshake } = handshakeWith({ state: 'used' });
    let visible = false;
    const page = await open({ handshake: (route, doc) => (visible || isPut(route) ? handshake(route, doc) : json(route, 404, { error: 'not_found' })) });
    await page.clock.install();
    await answerYes(page);
    await waitForText(page, '#status', /saved/);
    assert.equal(await page.isVisible('#notice'), false);
    await page.clock.fastForward(20000);
    await waitForText(page, '#notice', /no longer has your answer/);
    visible = true;
    await page.click('#retry');
    await waitForText(page, '#end', /Done/);
    assert.equal(docs.length, 2);
    await closeClean(page, { expected: NETWORK_TROUBLE });
  });

  pageTest('a server that takes the request and never answers is given up', async () => {
    const page = await open({ handshake: () => {} });
    await page.clock.install();
    await answerYes(page);
    await waitForText(page, '#status', /Sending/);
    await page.clock.fastForward(21000);
    await waitForText(page, '#notice', /could not be reached/);
    await closeClean(page, { expected: NETWORK_TROUBLE });
  });

  for (const [where, channelsServer, database] of [
    ['behind a proxy’s prefix', '', 'https://sync.example/couch/our%2Fhandshake'],
    ['on a site of its own', 'https://elsewhere.example/x', 'https://elsewhere.example/x/our%2Fhandshake'],
  ]) {
    pageTest(`${where} the page finds its database`, async () => {
      const { docs, handshake } = handshakeWith({ state: 'used' });
      const urls = [];
      const page = await openPage(browser, `https://sync.example/couch/_utils/channels/confirm.html#${SUBJECT}.${CODE}`, {
        prepare: async (opened) => {
          await opened.unroute('**/confirm.html');
          await opened.route(/our%2Fhandshake/, (route) => {
            urls.push(route.request().url());
            return handshake(route, route.request().postDataJSON());
          });
          await opened.route('https://sync.example/couch/_utils/channels/*', (route) => route.fulfill(fileOf(route, channelsServer)));
        },
      });
      await answerYes(page);
      await waitForText(page, '#end', /Done/);
      assert.deepEqual(urls, [`${database}/${docs[0]._id}`, `${database}/${docs[0]._id}`]);
      await closeClean(page);
    });
  }

  pageTest('sha256 and HMAC are those of Node for any text', async () => {
    const letters = ['a', 'Z', '0', '\n', '-', 'ß', '€', '𝄞', '\u0000'];
    const text = (length) => Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
    const pairs = Array.from({ length: 150 }, (_, index) => [index % 3 === 0 ? randomBytes(32).toString('hex') : text(index), text(randomInt(200))]);
    const page = await open();
    const made = await page.evaluate((all) => all.map(([key, message]) => [sha256.hexOf(message), proof.hmacHex(key, message)]), pairs);
    assert.deepEqual(made, pairs.map(([key, message]) => [
      createHash('sha256').update(message).digest('hex'), createHmac('sha256', key).update(message).digest('hex')]));
    await closeClean(page);
  });
});

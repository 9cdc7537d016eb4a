// The confirmation page against the real daemon: from the link in the mail to the device's state.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCouch } from '../../tests/lib/couch_server.mjs';
import { startDaemon } from '../../tests/lib/daemon.mjs';
import { Device } from '../../tests/lib/device.mjs';
import { linkIn, startMailSink } from '../../tests/lib/mail_sink.mjs';
import { closeClean, focusedId, openPage, pageIsThere, passSecondThought, PLAIN_HOST, skipReason, startBrowser, waitForText } from './test_page.mjs';

const MAILS_PER_ADDRESS = 2;

describe('the confirmation page with the daemon', { skip: skipReason }, () => {
  let server, mail, daemon, browser;
  let owners = 0;

  before(async () => {
    server = await startCouch();
    mail = await startMailSink();
    daemon = await startDaemon({ server, mail, channels_mail: { mail_per_address: MAILS_PER_ADDRESS } });
    browser = await startBrowser();
  });

  after(async () => {
    await browser?.close();
    await daemon?.close();
    await mail?.close();
    await server?.close();
  });

  /** test(), but skipped aloud at a server that a person gave and that doesn't have the page. */
  function pageTest(name, fn) {
    test(name, async (t) => {
      if (!await pageIsThere(server)) return t.skip(`${server.name} does not serve /_utils/channels/confirm.html`);
      return fn(t);
    });
  }

  function newOwner() {
    owners += 1;
    return `person${owners}@example.com`;
  }

  /** A device that waits to be confirmed: {device, code (that it shows), link (of its mail)}. */
  async function pendingDevice(owner = newOwner()) {
    const device = new Device({ handshake: daemon.handshake, owner, name: 'Phone', locale: 'en' });
    assert.equal((await device.register()).status, 201);
    const link = linkIn(await mail.next({ to: owner }));
    const { device_code: code } = await device.waitFor('confirming');
    return { device, code, link };
  }

  function open(url, options) {
    return openPage(browser, url, { metas: { 'channels-handshake-db': daemon.names.handshake_db }, ...options });
  }

  async function confirms() {
    const { body } = await daemon.request(`/${daemon.names.handshake_db}/_all_docs?include_docs=true`);
    return body.rows.map(({ doc }) => doc).filter((doc) => doc.type === 'confirm');
  }

  async function confirmsOf(subject) {
    return (await confirms()).filter((doc) => doc.device === subject);
  }

  async function answerYes(page, code) {
    await page.fill('#code', code);
    await page.click('#confirm');
  }

  pageTest('the right code makes the device active, and neither code is in the document', async () => {
    const { device, code, link } = await pendingDevice();
    const page = await open(link.url);
    await answerYes(page, code);
    await waitForText(page, '#end', /Done.*will sync in a moment/);
    assert.equal(await focusedId(page), 'end_heading');
    assert.match(await page.title(), /^Done/);
    await device.waitFor('active');
    const [doc, ...others] = await confirmsOf(device.id);
    assert.deepEqual(others, []);
    assert.equal(doc.answer, 'yes');
    assert.ok(!JSON.stringify(doc).includes(link.code) && !JSON.stringify(doc).toUpperCase().includes(code));
    assert.ok(!(await page.content()).includes(code), 'the page does not show the code');
    await closeClean(page);
  });

  pageTest('a wrong code is told at the field, keeps what was typed, and the right one follows', async () => {
    const { device, code, link } = await pendingDevice();
    const wrong = code === 'BBBB-BBBB' ? 'CCCC-CCCC' : 'BBBB-BBBB';
    const page = await open(link.url);
    await page.check('#alone');
    await answerYes(page, wrong);
    await waitForText(page, '#code_error', /does not fit/);
    assert.equal(await focusedId(page), 'code');
    assert.equal(await page.inputValue('#code'), wrong);
    assert.equal(await page.isChecked('#alone'), true);
    assert.equal(await page.getAttribute('#code', 'aria-invalid'), 'true');
    assert.equal((await device.read()).state, 'confirming');
    await page.uncheck('#alone');
    await answerYes(page, code);
    await waitForText(page, '#end', /Done/);
    await device.waitFor('active');
    await closeClean(page);
  });

  pageTest('the same wrong code twice is answered twice', async () => {
    const { device, link } = await pendingDevice();
    const page = await open(link.url);
    for (let round = 0; round < 2; round += 1) {
      await answerYes(page, 'zzzz zzzz');
      await waitForText(page, '#code_error', /does not fit/);
    }
    assert.equal((await confirmsOf(device.id)).length, 1);
    await closeClean(page, { expected: /409/ });
  });

  pageTest('a code in lower case with blanks and dashes is the same code', async () => {
    const { device, code, link } = await pendingDevice();
    const page = await open(link.url);
    await answerYes(page, `  ${[...code.toLowerCase().replace('-', '')].join(' ')} \u2013`);
    await waitForText(page, '#end', /Done/);
    await device.waitFor('active');
    await closeClean(page);
  });

  pageTest('"This wasn’t me" asks twice, a double click answers only once, and then the device is rejected', async () => {
    const { device, code, link } = await pendingDevice();
    const page = await open(link.url);
    await page.dblclick('#stranger');
    await waitForText(page, '#reject', /Reject this device\?/);
    await page.click('#reject_back');
    assert.deepEqual(page.sent, []);
    await page.evaluate(() => {
      document.getElementById('stranger').click();
      document.getElementById('reject_button').click();  // too soon to be meant
    });
    assert.equal(await focusedId(page), 'reject_heading');
    assert.deepEqual(page.sent, []);
    await passSecondThought(page);
    await page.click('#reject_button');
    await waitForText(page, '#end', /Thank you.*rejected/);
    assert.equal((await device.read()).state, 'rejected');
    await closeClean(page);

    const later = await open(link.url);
    await answerYes(later, code);
    await waitForText(later, '#end', /was rejected before/);
    await closeClean(later);
  });

  pageTest('"Also sign out all my other devices" revokes them', async () => {
    const owner = newOwner();
    const old = await pendingDevice(owner);
    const first = await open(old.link.url);
    await answerYes(first, old.code);
    await waitForText(first, '#end', /Done/);
    await old.device.waitFor('active');
    await closeClean(first);

    mail.mails.length = 0;  // what the address was told about the first device
    const { device, code, link } = await pendingDevice(owner);
    const page = await open(link.url);
    await page.fill('#code', code);
    await page.click('label[for=alone]');
    await page.click('#confirm');
    await waitForText(page, '#end', /other devices are signed out/);
    await device.waitFor('active');
    await old.device.waitFor('revoked');
    await closeClean(page);
  });

  pageTest('opening the link writes nothing and asks nothing', async () => {
    const { device, link } = await pendingDevice();
    const page = await open(link.url);
    await page.waitForSelector('#start');
    await page.reload({ waitUntil: 'networkidle' });
    assert.deepEqual(page.sent, []);
    assert.deepEqual(await confirmsOf(device.id), []);
    assert.equal((await device.read()).state, 'confirming');
    assert.equal(await page.inputValue('#code'), '');
    await closeClean(page);
  });

  pageTest('the one link for several devices confirms the device whose code is typed', async () => {
    const owner = newOwner();
    for (let sent = 0; sent < MAILS_PER_ADDRESS; sent += 1) await pendingDevice(owner);
    const { device, code, link } = await pendingDevice(owner);
    assert.equal(link.subject.length, 32, `the third mail is for all devices; sent were:\n${mail.to(owner).map((sent) =>
      `${sent.at} ${sent.headers.get('message-id')} ${sent.subject} ${linkIn(sent).subject}`).join('\n')}`);
    const page = await open(link.url);
    await waitForText(page, 'aside', /Those that nobody confirms are forgotten/);
    assert.equal(await page.isVisible('#stranger'), false);
    await answerYes(page, code);
    await waitForText(page, '#end', /Done/);
    await device.waitFor('active');
    await closeClean(page);
  });

  pageTest('while the daemon is away the page says that the answer is saved, and finishes when it is back', async () => {
    const { device, code, link } = await pendingDevice();
    await daemon.stop();
    const page = await open(link.url);
    await answerYes(page, code);
    await waitForText(page, '#status', /saved.*as soon as the server can/);
    assert.equal((await confirmsOf(device.id))[0].state, 'clicked');
    daemon.start();
    await daemon.waitUntilReady();
    await waitForText(page, '#end', /Done/);
    await device.waitFor('active');
    await closeClean(page);
  });

  pageTest('a double click writes one document', async () => {
    const { device, code, link } = await pendingDevice();
    const page = await open(link.url);
    await page.fill('#code', code);
    await page.evaluate(() => {
      document.getElementById('confirm').click();
      document.getElementById('confirm').click();
    });
    await waitForText(page, '#end', /Done/);
    assert.equal(page.sent.filter((sent) => sent.startsWith('PUT ')).length, 1);
    assert.equal((await confirmsOf(device.id)).length, 1);
    await closeClean(page);
  });

  pageTest('the keyboard alone suffices', async () => {
    const { device, code, link } = await pendingDevice();
    const page = await open(link.url);
    const order = [];
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press('Tab');
      order.push(await focusedId(page));
    }
    assert.deepEqual(order, ['code', 'alone', 'confirm', 'stranger']);
    await page.keyboard.press('Enter');
    await waitForText(page, '#reject', /Reject this device/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    assert.equal(await focusedId(page), 'reject_back');
    await page.keyboard.press('Enter');
    await waitForText(page, '#start', /Code on your device/);
    await page.keyboard.press('Tab');
    await page.keyboard.type(code.toLowerCase());
    await page.keyboard.press('Enter');
    await waitForText(page, '#end', /Done/);
    await device.waitFor('active');
    await closeClean(page);
  });

  pageTest('plain http, where the browser has no WebCrypto, makes the same proof', async () => {
    const { device, code, link } = await pendingDevice();
    const page = await open(link.url.replace('127.0.0.1', PLAIN_HOST));
    assert.equal(await page.evaluate(() => window.isSecureContext || Boolean(crypto.subtle)), false);
    await answerYes(page, code);
    await waitForText(page, '#end', /Done/);
    await device.waitFor('active');
    await closeClean(page);
  });
});

// A device in headless Chromium: the bundle on a plain page of another origin than the server's.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBrowser } from '../../confirm_page/test_page.mjs';
import { confirm, confirmDocument } from '../../../tests/lib/device.mjs';
import { LINK, linkIn } from '../../../tests/lib/mail_sink.mjs';
import { startStaticServer } from '../../../tests/lib/static_server.mjs';
import { buildBundle } from '../build.mjs';
import { PATIENT, contentOfDatabase, sorted, waitFor } from './people.mjs';

export { skipReason } from '../../confirm_page/test_page.mjs';

const PAGE = '<!doctype html><title>a device</title><script src="/pouchdb.js"></script><script src="/dist/pouchdb-channels.js"></script>';
const POUCHDB = fileURLToPath(new URL('../../../tests/node_modules/pouchdb/dist/pouchdb.min.js', import.meta.url));

/** A browser and what serves its pages; `newTab()` is a device with storage of its own. */
export async function startTabs(world) {
  const folder = mkdtempSync(join(tmpdir(), 'channels-bundle-'));
  await buildBundle(join(folder, 'pouchdb-channels.js'));
  const pages = await startStaticServer({ '/': { body: PAGE, type: 'text/html' }, '/dist/': folder, '/pouchdb.js': POUCHDB });
  const browser = await startBrowser();
  return {
    async newTab(name) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(pages.url);
      const tab = new Tab(world, context, page, { server: world.server.url, handshake: world.daemon.names.handshake_db, name });
      await tab.open();
      return tab;
    },
    async close() {
      await browser.close();
      await pages.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

class Tab {
  constructor(world, context, page, options) {
    Object.assign(this, { world, context, page, options });
  }

  /** In the page: `device`, and what its events said. */
  open() {
    return this.page.evaluate(async (given) => {
      window.device = await PouchDB.channels(given);
      window.heard = { errors: [] };
      window.device.on('error', ({ error, reason }) => window.heard.errors.push({ error, reason }));
    }, this.options);
  }

  status() {
    return this.page.evaluate(() => window.device.status);
  }

  errors() {
    return this.page.evaluate(() => window.heard.errors);
  }

  /** Through the whole loop, with the person who reads the mail and types the code. */
  async pair(owner) {
    await this.page.evaluate((address) => { window.device.register({ owner: address }); }, owner);
    const mail = await this.world.mail.next({ to: owner, text: LINK, timeout: 60000 });
    const { code } = await waitFor(async () => { const status = await this.status(); return status.code && status; }, PATIENT);
    await confirm(this.world.handshake, confirmDocument({ ...linkIn(mail), deviceCode: code }));
    await waitFor(async () => (await this.status()).online, { ...PATIENT, what: 'an active device' });
  }

  /** Saves documents in the channel of that name, one after the other. */
  putAll(channel, docs) {
    return this.page.evaluate(async ([name, all]) => {
      for (const doc of all) await window.device.channel(name).put(doc);
    }, [channel, docs]);
  }

  hasDoc(channel, id) {
    return waitFor(() => this.page.evaluate(([name, wanted]) => window.device.channel(name).get(wanted).catch(() => null), [channel, id]),
      { ...PATIENT, what: `${id} in the browser's ${channel}` });
  }

  sync(channel) {
    return this.page.evaluate((wanted) => window.device.sync(wanted), channel);
  }

  /** As contentOfDatabase(), in the page. */
  content(channel) {
    return this.#contentOf(`window.device.channel(${JSON.stringify(channel)})`);
  }

  /** The same of its copy of the control database. */
  controlContent() {
    return this.#contentOf("new PouchDB('channels-control')");
  }

  #contentOf(database) {
    return this.page.evaluate(`(async () => { ${sorted}; ${contentOfDatabase}; return contentOfDatabase(${database}); })()`);
  }

  async reload({ offline = false } = {}) {
    await this.page.evaluate(() => window.device.close());
    await this.page.reload();
    await this.context.setOffline(offline);
    await this.open();
  }
}

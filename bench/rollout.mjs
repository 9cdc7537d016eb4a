// One design document in all channels: how fast a rollout is, against a client that just writes it everywhere, and how long a reader waits for
// a row of a view meanwhile. The channels are made by hand: records in the registry and databases, as the daemon leaves them.

import { randomBytes } from 'node:crypto';
import { forEach } from './lib/databases.mjs';
import { percentile, row } from './lib/numbers.mjs';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { waitFor } from '../tests/lib/net.mjs';

export const title = 'Rollout of a design document';

const PATIENT = { timeout: 900000, interval: 10 };
const DOCUMENTS = 20;
const AT_ONCE = 8;
const TEMPLATE = 'bench-template';
const view = (text) => ({ map: `function (doc) { if (doc.n !== undefined) emit(doc.n, '${text}'); }` });
const design = (...names) => ({ language: 'javascript', views: Object.fromEntries(names.map((name) => [name, view(name)])) });

async function ok(server, path, options) {
  const { status, text, body } = await server.request(path, { timeout: 120000, ...options });
  if (status > 299) throw new Error(`${options?.method ?? 'GET'} ${path}: ${status} ${text}`);
  return body;
}

async function overwrite(server, path, doc) {
  const { status, body } = await server.request(path);
  await ok(server, path, { method: 'PUT', body: { ...doc, ...(status === 200 ? { _rev: body._rev } : {}) } });
}

async function makeChannel(server, { registry_db: registry, channel_prefix: prefix }, id) {
  await ok(server, `/${prefix}${id}?q=1`, { method: 'PUT' });
  const docs = Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: `doc-${n}`, n }));
  await ok(server, `/${prefix}${id}/_bulk_docs`, { method: 'POST', body: { docs } });
  await ok(server, `/${registry}/channel-${id}`, { method: 'PUT', body: { type: 'channel', state: 'ready', user: 'bench', name: id } });
}

/** Reads a view's first row in one channel after the other until `stop.now`; gives the times. */
async function readOn(server, prefix, ids, stop) {
  const times = [];
  for (let n = 0; !stop.now; n += 1) {
    const began = performance.now();
    await ok(server, `/${prefix}${ids[n % ids.length]}/_design/app/_view/by_n?limit=1`);
    times.push(performance.now() - began);
  }
  return times;
}

const rolledOut = (server, registry, before) => waitFor(async () => {
  const { body } = await server.request(`/${registry}/rollout`);
  return body.version !== before && body.state === 'done' && body;
}, PATIENT);

/** [ms from its first record of a beginning until it is done, what it was]. */
async function timeRollout(server, registry, before, doc) {
  await overwrite(server, `/${TEMPLATE}/_design/app`, doc);
  await waitFor(async () => (await server.request(`/${registry}/rollout`)).body.version !== before, PATIENT);
  const began = performance.now();
  const done = await rolledOut(server, registry, before);
  return [performance.now() - began, done];
}

export async function measure({ server, quick }) {
  const count = quick ? 50 : 1000;
  await ok(server, `/${TEMPLATE}`, { method: 'PUT' });
  const daemon = await startDaemon({ server, channels: { template_db: TEMPLATE } });
  const { registry_db: registry, channel_prefix: prefix } = daemon.names;
  try {
    const ids = Array.from({ length: count }, () => randomBytes(16).toString('hex'));
    await forEach(ids, (id) => makeChannel(server, daemon.names, id), AT_ONCE);
    const [, first] = await timeRollout(server, registry, undefined, design('by_n'));

    const stop = {};
    const quiet = readOn(server, prefix, ids, stop);
    await waitFor(() => false, { timeout: quick ? 3000 : 15000 }).catch(() => {});
    stop.now = true;
    const before = await quiet;

    stop.now = false;
    const busy = readOn(server, prefix, ids, stop);
    const [ms, done] = await timeRollout(server, registry, first.version, design('by_n', 'by_two'));
    stop.now = true;
    const during = await busy;
    if (done.failed > 0) throw new Error(`${done.failed} channels failed: ${JSON.stringify(done.failures)}`);

    await daemon.stop();
    const began = performance.now();
    await forEach(ids, (id) => overwrite(server, `/${prefix}${id}/_design/app`, design('by_n', 'by_three')), AT_ONCE);
    const bareMs = performance.now() - began;
    const [ours, bare] = [count / (ms / 1000), count / (bareMs / 1000)];
    const rows = [row({ what: `databases a second, of ${count}, each index built first (bare: none built)`, unit: 'databases/s', ours, bare, ratio: ours / bare })];
    for (const share of [0.5, 0.99]) {
      const [now, then] = [percentile(during, share), percentile(before, share)];
      rows.push(row({ what: `a reader's row of a view during it, p${share * 100} of ${during.length} (bare: before it)`, unit: 'ms', ours: now, bare: then, ratio: now / then }));
    }
    return { rows, detail: {} };
  } finally {
    await daemon.kill();
  }
}

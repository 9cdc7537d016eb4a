// What a device's look at its own document costs the server, by each way of asking, in a handshake of N
// documents (default 20,000): node bench/ways_to_read.mjs [N]. Figures of docs/documents.md.

import { startCouch } from '../tests/lib/couch_server.mjs';
import { newCredential, sha256 } from '../tests/lib/device.mjs';
import { read } from '../tests/lib/design_docs.mjs';
import { request } from '../tests/lib/net.mjs';

const COUNT = Number(process.argv[2] ?? 20000);
const BATCH = 2000;
const db = `bench-reads-${process.pid}`;

function deviceDocument(n) {
  const { verifier } = newCredential();
  const owner = `device-${n}@example.com`;
  return { _id: sha256(`${owner}\n${verifier.salt}\n${verifier.derived_key}`), type: 'device', state: 'new', owner, credential: verifier };
}

async function fill(server) {
  await server.request(`/${db}?q=1`, { method: 'PUT' });
  let last;
  for (let from = 0; from < COUNT; from += BATCH) {
    const docs = Array.from({ length: Math.min(BATCH, COUNT - from) }, (_, n) => deviceDocument(from + n));
    await server.request(`/${db}/_bulk_docs`, { method: 'POST', body: { docs } });
    last = docs.at(-1)._id;
  }
  const design = { language: 'javascript', filters: { device: read('handshake', 'filters/device.js') } };
  await server.request(`/${db}/_design/channels`, { method: 'PUT', body: design });
  return last;
}

async function timed(what, runs, once) {
  await once();  // warm
  const times = [];
  for (let run = 0; run < runs; run += 1) {
    const began = process.hrtime.bigint();
    const found = await once();
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
    if (!found) throw new Error(`${what} did not find the document`);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  console.log(`${what.padEnd(46)} ${median.toFixed(median < 10 ? 1 : 0).padStart(8)} ms`);
}

const server = await startCouch({ own: true });
try {
  console.log(`${server.name}, ${COUNT} documents`);
  const id = await fill(server);
  const call = (method, path, body) => request(`${server.url}/${db}${path}`, { method, body, auth: server, timeout: 120000 });
  const found = ({ body }) => body.results.some((row) => row.id === id);
  await timed('GET of the document', 50, async () => (await call('GET', `/${id}`)).status === 200);
  await timed('_changes, _doc_ids', 50, async () => found(await call('POST', '/_changes?filter=_doc_ids', { doc_ids: [id] })));
  await timed('_changes, _selector', 5, async () => found(await call('POST', '/_changes?filter=_selector', { selector: { _id: id } })));
  await timed('_changes, filter=channels/device', 2, async () => found(await call('GET', `/_changes?filter=channels/device&device=${id}`)));
} finally {
  await server.request(`/${db}`, { method: 'DELETE' });
  await server.close();
}

// Static files under /_utils/, with the headers that CouchDB 3.5 sends with them: they decide what a page
// installed there may do (no inline scripts, no other origins).

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { CouchError, methodNotAllowed, notFound } from './errors.mjs';

const POLICY = "child-src 'self' data: blob:; default-src 'self'; img-src 'self' data:; font-src 'self'; "
  + "script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; frame-src https://blog.couchdb.org;";
const TYPES = {
  '.css': 'text/css', '.html': 'text/html', '.ico': 'image/x-icon', '.js': 'application/javascript',
  '.json': 'application/json', '.png': 'image/png', '.svg': 'image/svg+xml', '.txt': 'text/plain',
};

export async function utilsFile(exchange, www) {
  if (exchange.method !== 'GET') throw methodNotAllowed('GET,HEAD');
  if (exchange.path === '/_utils') {
    exchange.head(301, { Location: '/_utils/' });
    return exchange.res.end();
  }
  if (!www) throw notFound();
  const relative = normalize(`/${exchange.parts.slice(1).join('/')}`);
  if (relative.includes('\0')) throw new CouchError(403, 'forbidden', 'No such path.');
  const file = join(www, relative, exchange.path.endsWith('/') ? 'index.html' : '');
  const found = await stat(file).catch(() => null);
  if (found?.isDirectory()) {
    exchange.head(301, { Location: `${exchange.path}/` });
    return exchange.res.end();
  }
  if (!found) throw notFound();
  exchange.head(200, {
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Length': found.size,
    'Content-Security-Policy': POLICY, 'Cache-Control': 'private, must-revalidate',
  });
  if (exchange.req.method === 'HEAD') return exchange.res.end();
  createReadStream(file).pipe(exchange.res);
}

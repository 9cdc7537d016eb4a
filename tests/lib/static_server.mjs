// Serves files to a browser, from the loopback: {'/': file, '/app/': folder}. For pages that talk to CouchDB from another
// origin, as most apps do; the server then has to allow that (`cors`).

import { createServer } from 'node:http';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

/** For startCouch({config}): pages of every origin may use the server, by Authorization and without cookies. */
export const cors = {
  chttpd: { enable_cors: 'true' },
  cors: { origins: '*', credentials: 'false', methods: 'GET, PUT, POST, HEAD, DELETE', headers: 'accept, authorization, content-type, origin, referer' },
};

/** `files`: path -> file, folder (its path ends in "/") or {body, type}. Answers {url, close()}. */
export async function startStaticServer(files, { port = 0 } = {}) {
  const server = createServer((request, response) => {
    const found = find(files, new URL(request.url, 'http://localhost').pathname);
    if (!found) return response.writeHead(404).end('not found');
    return response.writeHead(200, { 'content-type': found.type, 'cache-control': 'no-store' }).end(found.body);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections?.();
      server.close();
      await once(server, 'close');
    },
  };
}

function find(files, path) {
  const exact = files[path];
  if (exact?.body !== undefined) return exact;
  if (exact && !path.endsWith('/')) return read(exact);
  if (exact) return statSync(exact).isDirectory() ? read(join(exact, 'index.html')) : read(exact);
  const folder = Object.keys(files).filter((name) => name.endsWith('/') && path.startsWith(name)).sort((a, b) => b.length - a.length)[0];
  const rest = folder && normalize(decodeURIComponent(path.slice(folder.length)));
  if (!folder || rest.startsWith('..') || files[folder].body !== undefined || !statSync(files[folder]).isDirectory()) return null;
  return read(join(files[folder], rest));
}

function read(file) {
  if (!existsSync(file) || !statSync(file).isFile()) return null;
  return { body: readFileSync(file), type: TYPES[extname(file)] ?? 'application/octet-stream' };
}

// One HTTP exchange of the embedded server: the request taken apart as CouchDB takes it apart
// (path segments decoded one by one, query values kept as text), and the ways to answer.

import { CouchError, badRequest } from './errors.mjs';

// What CouchDB itself allows ([chttpd] max_http_request_size is far more); a test never needs it.
const BODY_BYTES_MAX = 512 * 1024 * 1024;

function decodeSegment(segment) {
  try {
    return decodeURIComponent(segment.replaceAll('+', ' '));
  } catch {
    throw badRequest('The path holds a broken escape.');
  }
}

export class Exchange {
  constructor(req, res) {
    this.req = req;
    this.res = res;
    this.method = req.method === 'HEAD' ? 'GET' : req.method;
    const [path, query = ''] = req.url.split(/\?(.*)/s);
    this.path = path;
    this.parts = path.split('/').filter((part) => part !== '').map(decodeSegment);
    this.query = new URLSearchParams(query);
    this.userCtx = { name: null, roles: [] };
    this.cookies = [];  // Set-Cookie values to go out with the answer
  }

  /** A query value that CouchDB reads as JSON (keys, booleans, numbers). */
  json(name) {
    const text = this.query.get(name);
    if (text === null) return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw badRequest('invalid UTF-8 JSON');
    }
  }

  flag(name) {
    return this.query.get(name) === 'true';
  }

  async body() {
    const chunks = [];
    let bytes = 0;
    for await (const chunk of this.req) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        throw new CouchError(413, 'too_large', 'the request entity is too large');
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** The body as JSON. A POST must say that it is JSON, a PUT need not: so does CouchDB. */
  async jsonBody() {
    if (this.method === 'POST') this.requireJsonType();
    const text = (await this.body()).toString('utf8');
    try {
      return JSON.parse(text);
    } catch {
      throw badRequest('invalid UTF-8 JSON');
    }
  }

  async jsonObject() {
    const value = await this.jsonBody();
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw badRequest('Request body must be a JSON object');
    }
    return value;
  }

  requireJsonType() {
    const type = (this.req.headers['content-type'] ?? '').split(';')[0].trim();
    if (type !== 'application/json') {
      throw new CouchError(415, 'bad_content_type', 'Content-Type must be application/json');
    }
  }

  head(status, headers = {}) {
    const cookie = this.cookies.length > 0 ? { 'Set-Cookie': this.cookies } : {};
    this.res.writeHead(status, { Server: 'embedded', 'Cache-Control': 'must-revalidate', ...headers, ...cookie });
  }

  send(status, value, headers = {}) {
    const text = Buffer.from(`${JSON.stringify(value)}\n`);
    this.head(status, { 'Content-Type': 'application/json', 'Content-Length': text.length, ...headers });
    this.res.end(text);
  }

  sendError(error) {
    if (this.res.headersSent) {
      // The answer is under way: cutting the connection is the one way left to say that it is broken.
      this.res.destroy();
      return;
    }
    this.send(error.status, { error: error.error, reason: error.reason });
  }
}

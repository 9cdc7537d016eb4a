// Small helpers for tests that talk to servers: one request, a free port, waiting for something to be so.

import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** `auth` is "name:password" or {user, password}; null for nobody. */
export function basicAuth(auth) {
  if (!auth) return {};
  const text = typeof auth === 'string' ? auth : `${auth.user}:${auth.password}`;
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

/**
 * One request. A `body` that is no string or Buffer goes out as JSON. Answers {status, headers, text, body}:
 * body is the parsed JSON, or undefined if the answer is none.
 */
export async function request(url, { method = 'GET', body, auth, headers = {}, timeout = 30000 } = {}) {
  const plain = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const response = await fetch(url, {
    method,
    body: plain ? body : JSON.stringify(body),
    headers: { ...basicAuth(auth), ...(plain ? {} : { 'content-type': 'application/json' }), ...headers },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How long tests wait, in ms: a busy machine takes many times what an idle one needs. */
export const PATIENCE = 60000;

/** A port of the loopback that nobody listens on now. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * Calls `fn` until it gives something truthy (that is returned); what it throws counts as "not yet". The limit says
 * that something never comes, not how fast it has to be.
 */
export async function waitFor(fn, { timeout = PATIENCE, interval = 50, what = 'what was waited for' } = {}) {
  const ends = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      const value = await fn();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > ends) throw new Error(`${what} did not happen within ${timeout} ms`, { cause: last });
    await sleep(interval);
  }
}

/**
 * Calls `ask` until its answer has that status, and gives the answer: for what follows from a change of a design document. CouchDB answers
 * such a write first, and has its copies of validation functions and design documents dropped by a message; who is faster than that still
 * meets the old ones. So what `ask` does must do no harm when it does.
 */
export async function onceHeard(status, ask) {
  let last;
  return waitFor(async () => {
    last = await ask();
    return last.status === status && last;
  }, { what: `an answer of ${status}` }).catch((error) => { throw new Error(`${error.message}: ${last?.status} ${last?.text}`, { cause: error }); });
}

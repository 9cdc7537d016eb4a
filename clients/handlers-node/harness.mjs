// Tries handlers without a server and without the daemon, which only collects them there:
//
//   import { tryOut } from 'couchdb-channels-handlers/harness';
//   import './handlers.mjs';
//   const { doc } = await tryOut({ type: 'order', state: 'new' });

import { control, runHandler } from './table.mjs';

// A test may have the daemon's environment, too; there is no daemon at its standard input all the same.
control.isTriedOut = true;

/**
 * Hands `doc` to the handler that its type and state have. Gives {doc: what would be saved, changed, mode} or {error:
 * {reason, retry_after}, thrown, mode}; null if no handler is for it. `couch` is what the handler gets as ctx.couch; `signal`, `attempt`,
 * `attemptKey`, `db` as it will find them.
 */
export async function tryOut(doc, { table = control, couch, signal = new AbortController().signal, attempt = 1, attemptKey = 'test', db = 'test' } = {}) {
  const entry = table.find(doc.type ?? '', doc.state ?? '');
  if (!entry) return null;
  const run = { db, attempt, attempt_key: attemptKey, deadline: new Date(Date.now() + 20000).toISOString(), doc };
  const needed = () => {
    if (!couch) throw new Error('this handler uses ctx.couch: give the harness one, { couch: ... }');
    return couch;
  };
  const answer = await runHandler(entry, run, { signal, couch: needed });
  if (answer.error) return { mode: entry.mode, ...answer };
  return { mode: entry.mode, doc: answer.keep ? doc : JSON.parse(answer.save), changed: !answer.keep };
}

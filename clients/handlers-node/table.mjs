// Which handler is for which pair of type and state, and what it gets beside the document. Used by the session with
// the daemon and by the harness, which is one without it.

export const ANY = '*';

export class Table {
  #handlers = new Map();

  /** Idempotent code: run twice is as good as run once. */
  safe(type, state, handler) {
    return this.#add('safe', type, state, handler, {});
  }

  /**
   * Code that must not be run by two workers that race. `onLost`: what becomes of a run that broke off, 'park' (a person
   * decides) or 'retry' (again, with the same attemptKey).
   */
  unsafe(type, state, handler, { onLost = 'park' } = {}) {
    if (onLost !== 'park' && onLost !== 'retry') throw new TypeError(`onLost is 'park' or 'retry', not ${onLost}`);
    return this.#add('unsafe', type, state, handler, { onLost });
  }

  #add(mode, type, state, handler, { onLost }) {
    for (const name of [type, state]) {
      if (typeof name !== 'string' || name === '') throw new TypeError('a handler is for a type and a state, both strings ("*" for any)');
    }
    if (typeof handler !== 'function') throw new TypeError(`the handler for ${type}, ${state} is no function`);
    const key = JSON.stringify([type, state]);
    if (this.#handlers.has(key)) throw new Error(`there is a handler for ${type}, ${state} already`);
    this.#handlers.set(key, { mode, type, state, handler, onLost });
    return this;
  }

  /** In CouchDB channels' order: (type, state), (type, any), (any, state), (any, any). */
  find(type, state) {
    for (const pair of [[type, state], [type, ANY], [ANY, state], [ANY, ANY]]) {
      const found = this.#handlers.get(JSON.stringify(pair));
      if (found) return found;
    }
    return undefined;
  }

  all() {
    return [...this.#handlers.values()];
  }
}

/** The program's own. */
export const control = new Table();

/** Thrown by ctx.retryLater(). */
export class RetryLater extends Error {
  constructor(retryAfter, reason) {
    super(reason);
    this.name = 'RetryLater';
    this.retryAfter = retryAfter;
  }
}

/**
 * One run: {save: document} or {error: {reason, retry_after}}; never throws. `make` gives the context its couch.
 */
export async function runHandler(entry, { db, attempt, attempt_key: attemptKey, deadline, doc }, { signal, couch }) {
  const context = {
    db, attempt, attemptKey, signal, mode: entry.mode, deadline: new Date(deadline),
    get couch() { return couch(); },
    retryLater(seconds, reason = 'not yet') { throw new RetryLater(seconds, reason); },
  };
  try {
    const next = await untilAborted(Promise.resolve(entry.handler(structuredClone(doc), context)), signal);
    if (next === undefined || next === null) return { save: doc };
    if (typeof next !== 'object' || Array.isArray(next)) throw new TypeError(`the handler for ${entry.type}, ${entry.state} gave no document`);
    return { save: next };
  } catch (error) {
    if (error instanceof RetryLater) return { error: { reason: error.message, retry_after: error.retryAfter } };
    return { error: { reason: String(error?.message ?? error) }, thrown: error };
  }
}

// Who does not look at the signal is not waited for either.
function untilAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

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
 * One run: {keep: true}, {save: the document as JSON text} or {error: {reason, retry_after, lost}, thrown}; never throws. `couch` gives
 * the client that the context has.
 */
export async function runHandler(entry, { db, attempt, attempt_key: attemptKey, deadline, doc }, { signal, couch }) {
  const context = {
    db, attempt, attemptKey, signal, mode: entry.mode, deadline: new Date(deadline),
    get couch() { return couch(); },
    retryLater(seconds, reason = 'not yet') { throw new RetryLater(Number(seconds), String(reason)); },
  };
  try {
    const given = JSON.stringify(doc);
    // A copy of its own, to change as it likes; faster than structuredClone().
    const next = await entry.handler(JSON.parse(given), context);
    if (next === undefined || next === null) return { keep: true };
    const text = textOf(next, entry);
    return text === given ? { keep: true } : { save: text };
  } catch (thrown) {
    if (thrown instanceof RetryLater) return { error: { reason: thrown.message, retry_after: thrown.retryAfter } };
    const error = { reason: wordsOf(thrown, 'message') };
    // What it had begun was broken off with the signal (a request, say), and may have been done all the same.
    if (entry.mode === 'unsafe' && signal.aborted) error.lost = true;
    return { error, thrown };
  }
}

// What JSON cannot hold throws here, where it is the run's failure: a BigInt, a cycle, half of a pair of surrogates.
function textOf(next, { type, state }) {
  const text = typeof next === 'object' ? JSON.stringify(next) : undefined;
  if (!text?.startsWith('{')) throw new TypeError(`the handler for ${type}, ${state} gave no document`);
  if (text.includes('\\ud') && HALF_A_CHARACTER.test(text)) throw new TypeError(`the handler for ${type}, ${state} gave a text that was cut within a character`);
  return text;
}

// JSON.stringify() writes an escape for nothing else; a backslash before it would be the text's own.
const HALF_A_CHARACTER = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** What was thrown may be anything, also what cannot be made a text. */
export function wordsOf(thrown, field) {
  try {
    return String(thrown?.[field] ?? thrown);
  } catch {
    return 'it threw what has no words';
  }
}

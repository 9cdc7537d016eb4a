// The protocol with the daemon, one JSON array a line (docs/handlers.md): registers the table's handlers, runs
// them as documents come, and ends with its input.

import { createInterface } from 'node:readline';
import { runHandler, wordsOf } from './table.mjs';

export class Session {
  #running = new Map();
  #unsent = '';

  constructor({ table, input, output, couchWith }) {
    Object.assign(this, { table, input, output, couchWith });
  }

  run() {
    for (const { mode, type, state, onLost } of this.table.all()) {
      this.send(['register', mode, type, state, ...(onLost === 'retry' ? [{ on_lost: 'retry' }] : [])]);
    }
    this.send(['ready']);
    const lines = createInterface({ input: this.input, crlfDelay: Infinity });
    lines.on('line', (line) => this.#take(JSON.parse(line)));
    // The daemon is gone, and nobody would hear of an answer.
    lines.on('close', () => process.exit(0));
  }

  send(message) {
    // Half a character, in what a handler threw or logs, would make the whole line none of the protocol's.
    this.#sendLine(JSON.stringify(message).replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f]../g, '$1\\ufffd'));
  }

  /** What is sent in one turn of the event loop goes by one write. */
  #sendLine(line) {
    if (this.#unsent === '') setImmediate(() => this.#flush());
    this.#unsent += `${line}\n`;
  }

  #flush() {
    this.output.write(this.#unsent);
    this.#unsent = '';
  }

  log(text, level = 'info') {
    this.send(['log', text, { level }]);
  }

  #take([verb, number, run]) {
    if (verb === 'cancel' && this.#running.has(number)) {
      this.#running.get(number).abort(new Error('the time limit is over'));
      // A sign of life: if the handler goes on all the same, it is that run alone which the daemon gives up.
      this.log(`run ${number} is at its time limit`, 'debug');
    } else if (verb === 'handle') {
      this.#handle(number, run);
    }
  }

  async #handle(number, run) {
    const abort = new AbortController();
    this.#running.set(number, abort);
    const entry = this.table.find(run.doc.type ?? '', run.doc.state ?? '');
    let client;
    const couch = () => { client ??= this.couchWith(run.cookie); return client; };
    const answer = entry
      ? await runHandler(entry, run, { signal: abort.signal, couch })
      : { error: { reason: `no handler here for ${run.doc.type}, ${run.doc.state}` } };
    this.#running.delete(number);
    // With where it was thrown, by source maps in what was compiled.
    if ('thrown' in answer) this.log(`${run.doc._id} in ${run.db}: ${wordsOf(answer.thrown, 'stack')}`, 'error');
    if (answer.save) this.#sendLine(`["save",${number},${answer.save}]`);
    else this.send(answer.error ? ['error', number, answer.error] : ['keep', number]);
  }
}

// The protocol with the daemon, one JSON array a line (docs/handlers.md): registers the table's handlers, runs
// them as documents come, and ends with its input.

import { createInterface } from 'node:readline';
import { runHandler } from './table.mjs';

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

  /** What is sent in one turn of the event loop goes by one write. */
  send(message) {
    if (this.#unsent === '') setImmediate(() => this.#flush());
    this.#unsent += `${JSON.stringify(message)}\n`;
  }

  #flush() {
    this.output.write(this.#unsent);
    this.#unsent = '';
  }

  log(text, level = 'info') {
    this.send(['log', text, { level }]);
  }

  #take([verb, number, run]) {
    if (verb === 'cancel') {
      this.#running.get(number)?.abort(new Error('the time limit is over'));
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
    if (answer.thrown) this.log(`${run.doc._id} in ${run.db}: ${answer.thrown.stack ?? answer.thrown}`, 'error');
    this.send(answer.error ? ['error', number, answer.error] : ['save', number, answer.save]);
  }
}

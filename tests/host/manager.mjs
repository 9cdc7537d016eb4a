// CouchDB's side of the os_daemons protocol, as the manager of 1.1 to 2.2 behaves (docs/os_daemons.md): spawns
// the program in a session of its own, answers one line a request, kills without a word when something
// that was registered changes, starts again at once after any end, halts after three quick ones.
// What would bring the real manager down is collected in `violations`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';

const MAX_RETRIES = 3;
const RETRY_MS = 5000;
const LOGS_A_SECOND = 2000;
const ENDS_WITHIN_MS = 30000;

export class Manager {
  /** `config`: {section: {key: value}}, values strings. `delay`: ms before each answer; `pieces`: answers arrive in parts; `args`: of the program. */
  constructor(config, { delay = 0, pieces = false, nullAnswers = false, args = [] } = {}) {
    Object.assign(this, { config, delay, pieces, nullAnswers, args });
    this.logs = [];        // {level, text}
    this.requests = [];    // as the daemon sent them
    this.violations = [];
    this.deaths = [];      // {code, signal, at}
    this.halted = false;
    this.registered = new Set();
    this.child = null;
    this.running = false;
  }

  start() {
    this.running = true;
    this.#spawn();
    return this;
  }

  #spawn() {
    const child = spawn(PROGRAM, this.args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.child = child;
    this.registered.clear();
    this.stderr = '';
    let partial = '';
    const killOnExit = () => child.kill('SIGKILL');
    process.once('exit', killOnExit);
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk) => { this.stderr += chunk; });
    child.stdout.on('data', (chunk) => {
      const lines = (partial + chunk).split('\n');
      partial = lines.pop();
      for (const line of lines) this.#take(child, line);
    });
    child.once('close', (code, signal) => {
      process.off('exit', killOnExit);
      if (partial && signal === null) this.violations.push(`an unterminated line at the end: ${partial}`);
      this.#died(child, code, signal);
    });
  }

  #died(child, code, signal) {
    this.deaths.push({ code, signal, at: Date.now() });
    if (child !== this.child) return;
    this.child = null;
    if (!this.running) return;
    const lately = this.deaths.filter(({ at, expected }) => !expected && Date.now() - at < RETRY_MS);
    if (lately.length >= MAX_RETRIES) {
      this.halted = true;
    } else {
      this.#spawn();
    }
  }

  #take(child, line) {
    let request;
    try {
      request = JSON.parse(line);
    } catch {
      this.violations.push(`no JSON: ${line}`);
      return;
    }
    this.requests.push(request);
    const [verb, ...rest] = Array.isArray(request) ? request : [];
    if (verb === 'log') this.#log(request);
    else if (verb === 'register') this.#register(request, rest);
    else if (verb === 'get') this.#answer(child, request, rest);
    else this.violations.push(`another shape: ${line}`);
  }

  #log(request) {
    const [, text, options] = request;
    const level = options === undefined ? 'info' : options?.level;
    if (typeof text !== 'string' || !['debug', 'info', 'error'].includes(level) || request.length > 3)
      this.violations.push(`a log line of another shape: ${JSON.stringify(request)}`);
    const now = Date.now();
    this.logs.push({ level, text, at: now });
    if (this.logs.filter(({ at }) => now - at < 1000).length > LOGS_A_SECOND) this.violations.push('a flood of log lines');
  }

  #register(request, [section, key]) {
    if (typeof section !== 'string' || (request.length > 2 && typeof key !== 'string'))
      this.violations.push(`register: ${JSON.stringify(request)}`);
    this.registered.add(key === undefined ? section : `${section}/${key}`);
  }

  async #answer(child, request, [section, key]) {
    if (typeof section !== 'string' || (request.length > 2 && typeof key !== 'string'))
      this.violations.push(`get: ${JSON.stringify(request)}`);
    const found = this.config[section] ?? {};
    const answer = key === undefined ? found : found[key] ?? null;
    const line = `${JSON.stringify(this.nullAnswers ? null : answer)}\n`;
    if (this.delay) await sleep(this.delay);
    const parts = this.pieces ? [...line].reduce((all, char, at) => (at % 3 ? [...all.slice(0, -1), all.at(-1) + char] : [...all, char]), []) : [line];
    for (const part of parts) {
      if (!child.stdin.writable) return;
      child.stdin.write(part);
      if (this.pieces) await sleep(1);
    }
  }

  /** A PUT to the configuration: whoever registered it is killed and started anew. */
  async set(section, key, value) {
    const pairs = { ...this.config[section] };
    if (value === null) delete pairs[key];
    else pairs[key] = value;
    this.config[section] = pairs;
    if (this.registered.has(section) || this.registered.has(`${section}/${key}`)) await this.kill({ expected: true });
  }

  /** kill -9; it counts as a crash unless it is `expected`. */
  async kill({ expected = false } = {}) {
    const { child } = this;
    const deaths = this.deaths.length;
    child.kill('SIGKILL');
    await waitFor(() => this.deaths.length > deaths, { what: 'its death' });
    if (expected) {
      this.deaths.at(-1).expected = true;
    }
  }

  /** What a node does that stops: no signal, the pipes just end. Gives {code, signal}. */
  async endStdin() {
    this.running = false;
    const { child } = this;
    child.stdin.end();
    const [code, signal] = await once(child, 'close');
    return { code, signal };
  }

  /** What a node does that dies: nobody reads or writes the pipes any longer. Gives {code, signal}. */
  async endAll() {
    this.running = false;
    const { child } = this;
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    const [code, signal] = await once(child, 'exit', { signal: AbortSignal.timeout(ENDS_WITHIN_MS) });
    return { code, signal };
  }

  async stop() {
    this.running = false;
    if (!this.child) return;
    const { child } = this;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  logged(pattern) {
    return this.logs.find(({ text }) => pattern.test(text));
  }

  waitForLog(pattern, options) {
    return waitFor(() => this.logged(pattern), { what: `a log line like ${pattern}`, ...options })
      .catch((error) => { throw new Error(`${error.message}; logged: ${this.logs.map(({ text }) => text).join('\n')}`); });
  }
}

// The measuring programs of this folder, as processes on a server: bench_engine is spoken with line by line, the
// others run to their end and print one line.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const BUILD = process.env.CHANNELS_BUILD || fileURLToPath(new URL('../../build', import.meta.url));
const LONGEST_RUN_MS = 600000;

function start(server, name, args) {
  const env = { ...process.env, COUCHDB_URL: server.url, COUCHDB_USER: server.user, COUCHDB_PASSWORD: server.password };
  const child = spawn(join(BUILD, 'bench', name), args.map(String), { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const killOnExit = () => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  child.once('exit', () => process.off('exit', killOnExit));
  return child;
}

/** Runs one to its end; gives what it printed. */
export async function run(server, name, args, input = '') {
  const child = start(server, name, args);
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN_MS);
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}`);
  return JSON.parse(text);
}

/** bench_engine under way: `const engine = await startEngine(server, ['--registry', ...])`, then its commands. */
export async function startEngine(server, args) {
  const child = start(server, 'bench_engine', args);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('bench_engine ended');
    return JSON.parse(value);
  };
  const command = (...words) => {
    child.stdin.write(`${words.join(' ')}\n`);
    return answer();
  };
  await answer();
  return {
    pid: child.pid,
    start: (documents) => command('start', documents),
    expect: (documents) => command('expect', documents),
    /** The numbers at the moment that all expected documents were saved. */
    async saved(limitMs = 300000) {
      const numbers = await command('saved', limitMs);
      if (numbers.timeout) throw new Error(`the engine saved ${numbers.saved} documents within ${limitMs} ms`);
      return numbers;
    },
    /** The same, but a time-out is an answer, too. */
    savedWithin: (limitMs) => command('saved', limitMs),
    quiet: (ms, limitMs = 60000) => command('quiet', ms, limitMs),
    stats: () => command('stats'),
    async end() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

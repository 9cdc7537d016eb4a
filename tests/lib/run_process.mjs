// Runs a command to its end or its time limit; at the limit it is killed with all that it started.

import { spawn } from 'node:child_process';

// Whoever else has work goes first. Where Linux shares the processors out by session (autogroup), nice counts only within one.
const YIELDING = ['sh', '-c', '{ echo 5 >/proc/self/autogroup; } 2>/dev/null; exec nice -n 5 "$@"', 'sh'];

/** Answers {code, output, seconds, timedOut}; code is null if it was killed or could not be started. `yielding`: it works beside others. */
export function runProcess(command, args, { env, cwd, limitMs, yielding = false }) {
  return new Promise((resolve) => {
    const started = Date.now();
    const [file, ...rest] = [...(yielding ? YIELDING : []), command, ...args];
    const child = spawn(file, rest, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks = [];
    let timedOut = false;
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    const killAll = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Its group is gone already.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      killAll();
    }, limitMs);
    process.once('exit', killAll);
    const finish = (code, note = '') => {
      clearTimeout(timer);
      process.off('exit', killAll);
      resolve({ code, timedOut, seconds: (Date.now() - started) / 1000, output: Buffer.concat(chunks).toString('utf8') + note });
    };
    child.once('error', (error) => finish(null, `${error.message}\n`));
    child.once('close', (code) => finish(code));
  });
}

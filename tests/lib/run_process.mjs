// Runs a command to its end or its time limit; at the limit it is killed with all that it started.

import { spawn } from 'node:child_process';

/** Answers {code, output, seconds, timedOut}; code is null if it was killed or could not be started. */
export function runProcess(command, args, { env, cwd, limitMs }) {
  return new Promise((resolve) => {
    const started = Date.now();
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
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

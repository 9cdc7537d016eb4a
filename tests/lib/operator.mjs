// Calls the program as an operator does, beside a daemon of daemon.mjs and with that one's ini files.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PROGRAM } from './daemon.mjs';

/** {code, stdout, stderr} of `couchdb-channels ARGS --ini ...`. */
export async function operatorCall(daemon, ...args) {
  const ini = daemon.iniFiles().flatMap((file) => ['--ini', file]);
  try {
    return { code: 0, ...await promisify(execFile)(PROGRAM, [...args, ...ini]) };
  } catch ({ code, stdout, stderr }) {
    return { code, stdout, stderr };
  }
}

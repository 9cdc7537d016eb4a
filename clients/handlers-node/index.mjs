// Handlers for couchdb-channels in JavaScript:
//
//   import { control } from 'couchdb-channels-handlers';
//   control.safe('order', 'new', (doc) => ({ ...doc, state: 'accepted' }));
//
// The daemon starts this program ([channels_handlers] NAME = node handlers.mjs) and speaks with it by its standard
// input and output; it begins once the program's modules have been read. What a handler prints goes to the log.

import { Console } from 'node:console';
import nano from 'nano';
import { Session } from './session.mjs';
import { control } from './table.mjs';

export { control };

function couchWith(cookie) {
  return nano({ url: process.env.COUCHDB_URL.replace(/\/$/, ''), cookie });
}

// Standard output is the daemon's: a stray console.log() there would be no message.
function begin() {
  if (control.isTriedOut) return;
  globalThis.console = new Console(process.stderr, process.stderr);
  new Session({ table: control, input: process.stdin, output: process.stdout, couchWith }).run();
}

// Without the daemon (in an editor, or where the harness is loaded) handlers are only collected.
if (process.env.COUCHDB_URL && !process.stdin.isTTY) setImmediate(begin);

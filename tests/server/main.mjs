// The embedded server as a program:
//   node main.mjs --port 0 --admin admin:password [--secret HEX] [--dir DIR] [--www DIR]
// It prints where it listens, what it is, and runs until SIGTERM, SIGINT or, with --with-stdin, until its
// standard input ends (so that it never outlives the test that started it).

import { parseArgs } from 'node:util';
import { startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    admin: { type: 'string' },
    secret: { type: 'string' },
    dir: { type: 'string' },
    www: { type: 'string' },
    'with-stdin': { type: 'boolean', default: false },
  },
});

if (!values.admin?.includes(':')) {
  console.error('usage: main.mjs --admin NAME:PASSWORD [--port N] [--secret HEX] [--dir DIR] [--www DIR] [--with-stdin]');
  process.exit(2);
}

const server = await startServer({ ...values, port: Number(values.port) });
console.log(`listening on ${server.url}`);
console.log(`name embedded server (PouchDB 9, ${values.dir ? 'LevelDB' : 'in memory'})`);

// PouchDB throws some errors where no request can catch them; one bad request must not end the server.
process.on('uncaughtException', (error) => process.stderr.write(`uncaught: ${error.stack}\n`));

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  await server.stop();
  process.exit(0);
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (values['with-stdin']) process.stdin.on('end', stop).on('error', stop).resume();

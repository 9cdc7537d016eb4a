// A handler program by the bare protocol whose next start registers other pairs: (grows, new) at first; after a document in state
// "new" that says {become: [...]} these states. One that it registers after ["ready"] is no registration.
import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
const file = `${folder}/states`;
const states = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : ['new'];
const send = (message) => writeSync(1, `${JSON.stringify(message)}\n`);

for (const state of states) send(['register', 'safe', 'grows', state]);
send(['ready']);
send(['register', 'safe', 'grows', 'afterwards']);
createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, number, run] = JSON.parse(line);
  if (verb !== 'handle') return;
  if (run.doc.become) writeFileSync(file, JSON.stringify(run.doc.become));
  send(['save', number, { ...run.doc, state: 'done', was: run.doc.state }]);
  if (run.doc.become) setTimeout(() => process.exit(0), 200);
}).on('close', () => process.exit(0));

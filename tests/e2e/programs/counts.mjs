// A handler program by the bare protocol for look-up order, in_flight and racing workers. Its handlers are safe and unsafe in turn,
// down the look-up order, so that a run's mode says which one the daemon found. It answers safe runs when nothing more has come for a while, and
// says in each document how many it had in hand at once at most; each unsafe run is noted in FOLDER/acts. The first run of a document with `hangs` is
// never answered: it is noted in FOLDER/hangs, with the daemon that handed it over.
import { appendFileSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
const PAUSE_MS = 500;
const send = (message) => writeSync(1, `${JSON.stringify(message)}\n`);
const HANDLERS = [['safe', 'order', 'new'], ['unsafe', 'parcel', '*'], ['safe', '*', 'new'], ['unsafe', '*', '*'], ['unsafe', 'charge', '*', { on_lost: 'retry' }]];

const inHand = new Map();
let most = 0;
let timer;

function answerAll() {
  for (const [number, { doc }] of inHand) send(['save', number, { ...doc, state: 'done', mode: 'safe', most }]);
  inHand.clear();
}

for (const handler of HANDLERS) send(['register', ...handler]);
send(['ready']);
createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, number, run] = JSON.parse(line);
  if (verb !== 'handle') return;
  if (run.doc.state === 'done') return send(['save', number, run.doc]);
  if (run.mode === 'unsafe') {
    appendFileSync(`${folder}/acts`, `${run.doc._id}\n`);
    if (run.doc.hangs) {
      const before = existsSync(`${folder}/hangs`) ? readFileSync(`${folder}/hangs`, 'utf8') : '';
      appendFileSync(`${folder}/hangs`, `${run.doc._id} ${run.attempt_key} ${process.ppid}\n`);
      if (!before.includes(`${run.doc._id} `)) return undefined;
    }
    return send(['save', number, { ...run.doc, state: 'done', mode: 'unsafe' }]);
  }
  inHand.set(number, run);
  most = Math.max(most, inHand.size);
  clearTimeout(timer);
  timer = setTimeout(answerAll, PAUSE_MS);
}).on('close', () => process.exit(0));

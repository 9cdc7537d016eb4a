// A handler program by the bare protocol that misbehaves once, in the way that its first argument names; then a file in
// the folder of its second says that it did so, and it behaves. Its handlers are (NAME, new), safe, and (NAME, act), unsafe;
// the latter writes a line into FOLDER/NAME.acts.
import { appendFileSync, closeSync, existsSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [how, folder] = process.argv.slice(2);
const marker = `${folder}/${how}.done`;
const send = (message) => writeSync(1, `${JSON.stringify(message)}\n`);
const behave = (number, doc) => send(['save', number, { ...doc, state: 'done' }]);

const WAYS = {
  dies: () => process.exit(3),
  hangs: () => { for (;;); },
  loops: () => { for (;;); },
  // Alive, and obeys "cancel".
  late: () => {},
  // Alive, and never answers this one.
  silent: () => {},
  // The same, but it says that it has heard "cancel".
  stuck: () => {},
  // Alive, and reads nothing any more.
  deaf: () => { closeSync(0); setInterval(() => {}, 1000); },
  chatters: (number, doc) => {
    for (let n = 0; n < 5000; n += 1) send(['log', `chat ${n}`]);
    setTimeout(() => { send(['log', 'chat over']); behave(number, doc); }, 1000);
  },
  twice: (number, doc) => { behave(number, doc); behave(number, doc); },
  unknown: (number, doc) => { send(['save', 987654, doc]); behave(number, doc); },
  garbage: (number, doc) => { writeSync(1, 'hello\n{"a": 1}\n["save"]\n\n'); behave(number, doc); },
  floods: () => { for (let n = 0; n < 100000; n += 1) writeSync(1, 'all work and no play\n'); },
  closes: () => closeSync(1),
  huge: () => { for (let n = 0; n < 40; n += 1) writeSync(1, 'x'.repeat(1 << 20)); },
  other: (number, doc) => send(['save', number, { ...doc, _id: 'another', state: 'done' }]),
  underscore: (number, doc) => send(['save', number, { ...doc, state: 'done', _mine: 1 }]),
  talks: (number, doc) => { for (let n = 0; n < 5000; n += 1) process.stderr.write(`line ${n}\u001b[31m\n`); behave(number, doc); },
  // By its own word.
  lost: (number) => send(['error', number, { reason: 'who knows; whether it acted is unknown', lost: true }]),
  good: behave,
};

// Not ready, the first time: the end of its input is the only one that it has.
const isMute = how === 'mute' && !existsSync(marker);
if (isMute) writeFileSync(marker, '');

send(['register', 'safe', how, 'new']);
send(['register', 'unsafe', how, 'act']);
send(['log', `${how} begins`, { level: 'info' }]);
if (!isMute) send(['ready']);
createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, number, run] = JSON.parse(line);
  if (verb === 'cancel') {
    if (how === 'late') send(['error', number, { reason: 'cancelled' }]);
    if (how === 'stuck') send(['log', 'heard it']);
    return;
  }
  if (run.doc.state === 'act') appendFileSync(`${folder}/${how}.acts`, `${run.doc._id} ${run.attempt_key}\n`);
  if (existsSync(marker)) return behave(number, run.doc);
  writeFileSync(marker, '');
  WAYS[how](number, run.doc);
}).on('close', () => process.exit(0));

// Handler programs: what each bad behaviour comes to, that nothing is lost or done twice, switching, and the end with the daemon.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCouch } from '../lib/couch_server.mjs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';

const PROGRAM = fileURLToPath(new URL('programs/misbehaves.mjs', import.meta.url));
// As a machine under load needs it.
const LONG = { timeout: 120000, interval: 200 };

let server;
let folder;
let daemon;
let work;

const command = (how) => `${process.execPath} ${PROGRAM} ${how} ${folder}`;

function sectionsFor(ways, more = {}) {
  const sections = { channels_handlers: {} };
  for (const how of ways) {
    sections.channels_handlers[how] = command(how);
    sections[`channels_handler.${how}`] = { databases: work, timeout: 5, in_flight: 4, ...more };
  }
  return sections;
}

/** A daemon with these programs on a database of its own. */
async function startWith(ways, { more, ...options } = {}) {
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  folder = mkdtempSync(join(tmpdir(), 'channels-programs-'));
  daemon = await startDaemon({ server, names, sections: sectionsFor(ways, more), ...options });
  await daemon.request(`/${work}`, { method: 'PUT' });
  return daemon;
}

async function close() {
  await daemon?.close();
  rmSync(folder, { recursive: true, force: true });
  daemon = undefined;
}

const put = (doc) => daemon.request(`/${work}/${doc._id}`, { method: 'PUT', body: doc });
const get = async (id) => (await daemon.request(`/${work}/${id}`)).body;
const inState = (id, state) => waitFor(async () => (await get(id)).state === state, { ...LONG, what: `${id} being ${state}` })
  .catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
const logged = (pattern) => waitFor(() => pattern.test(daemon.output), { ...LONG, what: `${pattern} in the log` })
  .catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
const acts = (how) => (existsSync(join(folder, `${how}.acts`)) ? readFileSync(join(folder, `${how}.acts`), 'utf8').trim().split('\n') : []);

before(async () => { server = await startCouch(); });
after(async () => { await server?.close(); });

const SAYS = {
  good: /\[good\] good begins/,
  dies: /\[dies\] ended \(exit 3\)/,
  hangs: /\[hangs\] does not answer/,
  late: /cancelled/,
  silent: /\[silent\] the handler did not answer within 5 s/,
  stuck: /\[stuck\] the handler did not answer within 5 s/,
  deaf: /\[deaf\] closed its standard input/,
  chatters: /\[chatters\] chat over \(\d+ lines before this were left out\)/,
  twice: /\[twice\] wrote .* it answers run 1, which it does not have in hand/,
  unknown: /\[unknown\] wrote .* it answers run 987654/,
  garbage: /\[garbage\] wrote .* no message of the protocol: hello/,
  floods: /\[floods\] wrote 100 such lines in a row/,
  closes: /\[closes\] ended/,
  huge: /\[huge\] sent a line of more than 32 MB/,
  other: /answered with another document, another/,
  underscore: /a field _mine: names that begin with _ are CouchDB's own/,
  lost: /attempt 1 at lost in .* failed: who knows/,
  talks: /\[talks\] line 0\\x1b\[31m/,
};

test('whatever a program does once, its safe documents are done in the end, and the log says what it was', async (t) => {
  await startWith(Object.keys(SAYS));
  try {
    for (const how of Object.keys(SAYS)) await put({ _id: how, type: how, state: 'new', kept: [1, { a: null }] });
    for (const how of Object.keys(SAYS)) {
      await t.test(how, async () => {
        await inState(how, 'done');
        await logged(SAYS[how]);
        const doc = await get(how);
        assert.deepEqual(doc.kept, [1, { a: null }]);
        assert.equal(doc._rev.split('-')[0], '2', 'saved once');
      });
    }
    assert.ok(daemon.output.split('[talks] line').length < 300, 'a flood on stderr is left out');
    assert.ok(!daemon.output.includes('\u001b'));
    assert.ok(daemon.output.split('[chatters] chat').length < 300, 'so is one of log lines, which the program lives on after');
    // One that says anything at all is alive: it is that run alone which is given up.
    for (const how of ['chatters', 'stuck']) assert.equal(daemon.output.split(`[${how}] is ready`).length, 2, how);
  } finally {
    await close();
  }
});

test('an unsafe run that broke off is parked and not done again; one that answered is done once', async (t) => {
  const lost = ['dies', 'hangs', 'silent', 'closes', 'floods', 'lost'];
  await startWith([...lost, 'good', 'late']);
  try {
    for (const how of [...lost, 'good', 'late']) await put({ _id: how, type: how, state: 'act' });
    await inState('good', 'done');
    assert.equal(acts('good').length, 1);
    // It answered after "cancel" that it failed, and so is tried again, by the same key.
    await inState('late', 'done');
    assert.equal(acts('late').length, 2);
    assert.equal(new Set(acts('late')).size, 1);
    for (const how of lost) {
      await t.test(how, async () => {
        await logged(new RegExp(`parked ${how} in .* whether it acted is unknown`));
        // The program is there again, and handles others.
        await put({ _id: `${how}-next`, type: how, state: 'act' });
        await inState(`${how}-next`, 'done');
        assert.equal((await get(how)).state, 'act');
        assert.equal(acts(how).filter((line) => line.startsWith(`${how} `)).length, 1);
      });
    }
  } finally {
    await close();
  }
});

const isAlive = (pid) => {
  try {
    // A zombie that nobody has waited for yet is no process any more.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** All that it started, and what those started. */
const descendants = (pid) => readdirSync(`/proc/${pid}/task`)
  .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number))
  .flatMap((child) => [child, ...descendants(child)]);

test('a program that is not ready within 30 s is ended and started again', async () => {
  await startWith(['mute']);
  try {
    await logged(/\[mute\] was not ready after 30 s/);
    await logged(/\[mute\] is ready with 2 handlers/);
    await waitFor(async () => {
      // What it registers only now counts from when the engine has been made anew.
      const { _rev, state, again = 0 } = await get('mute');
      if (state !== 'done') await put({ _id: 'mute', _rev, type: 'mute', state: 'new', again: again + 1 });
      return state === 'done';
    }, { ...LONG, interval: 1500, what: 'its document being done' }).catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
  } finally {
    await close();
  }
});

test('programs end with the daemon, also when it is killed and they hang, and when a shell has started them', async () => {
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  folder = mkdtempSync(join(tmpdir(), 'channels-programs-'));
  const sections = sectionsFor(['good', 'hangs', 'loops']);
  // The shell waits for it, so the program is no child of the daemon's.
  sections.channels_handlers.loops = `sh -c 'cd / && ${command('loops')}; true'`;
  daemon = await startDaemon({ server, names, sections });
  try {
    await daemon.request(`/${work}`, { method: 'PUT' });
    for (const how of ['hangs', 'loops']) await put({ _id: how, type: how, state: 'new' });
    for (const how of ['hangs', 'loops']) await waitFor(() => existsSync(join(folder, `${how}.done`)), { ...LONG, what: how });
    const pids = descendants(daemon.child.pid);
    // Three programs, the shell, and what guards them.
    assert.equal(pids.length, 5);
    await daemon.kill();
    await waitFor(() => pids.every((pid) => !isAlive(pid)), { timeout: 10000, what: 'the end of the programs' });
    daemon.start();
    await daemon.waitUntilReady();
    for (const how of ['hangs', 'loops']) await inState(how, 'done');
    const again = descendants(daemon.child.pid);
    await daemon.stop();
    assert.ok(again.length >= 5 && again.every((pid) => !isAlive(pid)));
  } finally {
    await close();
  }
});

test('two programs, or a program and a built-in rule, that want the same pair: the later one is refused by one line', async () => {
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  folder = mkdtempSync(join(tmpdir(), 'channels-programs-'));
  const sections = sectionsFor(['good']);
  // The same program by another name wants the same pairs.
  sections.channels_handlers.zweite = command('good');
  sections['channels_handler.zweite'] = { databases: `${work.slice(0, -2)}*` };
  sections.channels_handlers.device = command('good').replace(' good ', ' device ');
  sections['channels_handler.device'] = { databases: `${names.control_prefix}*` };
  daemon = await startDaemon({ server, names, sections });
  try {
    await daemon.request(`/${work}`, { method: 'PUT' });
    await logged(/\[zweite\] is refused: it wants \(good, new\), but \[channels_handlers\] good has it/);
    await logged(/\[device\] is refused: it wants \(device, new\), but the built-in rule device\/\* of .* has it, and is no extension point/);
    await put({ _id: 'a', type: 'good', state: 'new' });
    await inState('a', 'done');
    assert.equal(daemon.output.split('is refused').length, 3);
  } finally {
    await close();
  }
});

test('what a program cannot be started for is said, and its documents wait for it', async () => {
  await startWith(['good']);
  try {
    await daemon.stop();
    const sections = sectionsFor(['good']);
    const broken = structuredClone(sections);
    broken.channels_handlers.good = '/no/such/program';
    const channels = { url: server.url, ...daemon.names, ...daemon.credentials() };
    daemon.writeIni({ channels, ...broken });
    daemon.start();
    await daemon.waitUntilReady();
    await logged(/\[good\] cannot be started: .*no\/such\/program/);
    await put({ _id: 'waits', type: 'good', state: 'new' });
    await put({ _id: 'not-ours', type: 'unlike', state: 'new' });
    await new Promise((resolve) => { setTimeout(resolve, 3000); });
    assert.equal((await get('waits')).state, 'new');
    await daemon.stop();
    daemon.writeIni({ channels, ...sections });
    daemon.start();
    await daemon.waitUntilReady();
    await inState('waits', 'done');
  } finally {
    await close();
  }
});

test('a program that registers other pairs when it starts again: the engine has them, and lets go of the old ones', async () => {
  const names = newNames();
  work = `${names.handshake_db.split('-')[0]}-work`;
  folder = mkdtempSync(join(tmpdir(), 'channels-programs-'));
  const grows = fileURLToPath(new URL('programs/grows.mjs', import.meta.url));
  const sections = { channels_handlers: { grows: `${process.execPath} ${grows} ${folder}`, good: command('good') } };
  for (const name of ['grows', 'good']) sections[`channels_handler.${name}`] = { databases: work };
  daemon = await startDaemon({ server, names, sections });
  try {
    await daemon.request(`/${work}`, { method: 'PUT' });
    // Changes count from when the engine has been made anew, which it says as it begins to.
    const handled = async (id, state) => {
      await put({ _id: id, type: 'grows', state });
      return waitFor(async () => {
        const doc = await get(id);
        if (doc.state === state) await put({ ...doc, again: (doc.again ?? 0) + 1 });
        return doc.state === 'done';
      }, { timeout: 120000, interval: 1500, what: `${id} being done` }).catch((error) => { throw new Error(`${error.message}\n${daemon.output}`); });
    };
    // A registration that comes after "ready" is left out, and said.
    await logged(/\[grows\] wrote .* registers after \["ready"\]/);
    await put({ _id: 'late', type: 'grows', state: 'afterwards' });
    await put({ _id: 'a', type: 'grows', state: 'new', become: ['new', 'more'] });
    await inState('a', 'done');
    await logged(/registers other rules than before: the engine is made anew/);
    // More of them ...
    await handled('b', 'more');
    await put({ _id: 'c', type: 'grows', state: 'new', become: ['other'] });
    await inState('c', 'done');
    await waitFor(() => daemon.output.split('the engine is made anew').length === 3, { ...LONG, what: 'the engine made anew once more' });
    // ... and others: what it no longer wants stays as it is.
    await handled('e', 'other');
    await put({ _id: 'd', type: 'grows', state: 'new' });
    await handled('f', 'other');
    assert.equal((await get('d')).state, 'new');
    assert.equal((await get('late')).state, 'afterwards');
    // The other program has not noticed.
    await put({ _id: 'good', type: 'good', state: 'new' });
    await inState('good', 'done');
    assert.equal(daemon.output.split('[good] is ready').length, 2);
  } finally {
    await close();
  }
});

test('a wrong key or value is one clear line', async () => {
  const cases = [
    [{ 'channels_handler.good': { databases: 'x', timeout: 26 } }, /\[channels_handler\.good\] timeout = 26: must be a whole number from 1 to 25/],
    [{ 'channels_handler.good': { databases: '_users' } }, /databases = _users: must be without CouchDB's own/],
    [{ 'channels_handler.good': {} }, /\[channels_handler\.good\] databases: name the databases/],
    [{ channels_handlers: { good: 'sh "-c' }, 'channels_handler.good': { databases: 'x' } }, /\[channels_handlers\] good = .*: a closing " is missing/],
  ];
  for (const [sections, says] of cases) {
    folder = '/tmp';
    daemon = await startDaemon({ server, sections: { channels_handlers: { good: 'cat' }, ...sections }, ready: false });
    try {
      const { code } = await daemon.exited;
      assert.equal(code, 2, daemon.output);
      assert.match(daemon.output, says);
    } finally {
      await daemon.close();
      daemon = undefined;
    }
  }
});

// The program's own workflows: devices through the whole loop (with mails to a mail server of the measurement's own),
// and channels made, against a bare client that makes only the requests that a channel is (database, _security, one bulk).

import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { Device, confirmDocument } from '../tests/lib/device.mjs';
import { LINK, linkIn, startMailSink } from '../tests/lib/mail_sink.mjs';
import { newChannelId } from '../tests/lib/world.mjs';
import { forEach } from './lib/databases.mjs';
import { median, rounded, row } from './lib/numbers.mjs';
import { run } from './lib/programs.mjs';

export const title = 'Devices and channels';
export const config = { couchdb: { max_dbs_open: 5000 } };

// Requests that the bare client has under way. The program makes up to 24 channels at a time: it is compared with the fastest.
const AT_ONCE = [4, 8, 24];
const LOOK_MS = 100;
const LIMIT_MS = 300000;

/** The changes of a database since the last look, with documents: one request for all that are waited for. */
class Watch {
  constructor(daemon, name) {
    Object.assign(this, { daemon, name, since: 'now' });
  }

  async look() {
    const { body } = await this.daemon.request(`/${this.name}/_changes?include_docs=true&since=${encodeURIComponent(this.since)}`);
    this.since = body.last_seq;
    return body.results.map(({ doc }) => doc);
  }

  /** Until `take(document)`, called with each change, was true `count` times. */
  async until(count, take, each = async () => {}) {
    const ends = Date.now() + LIMIT_MS;
    for (let found = 0; found < count;) {
      if (Date.now() > ends) throw new Error(`${found} of ${count} within ${LIMIT_MS} ms`);
      await sleep(LOOK_MS);
      for (const doc of await this.look()) if (take(doc)) found += 1;
      await each();
    }
  }
}

/** Registers all, answers each mail as soon as it and the device's code are there; gives seconds and control databases. */
async function deviceLoops(daemon, mail, count) {
  const watch = new Watch(daemon, daemon.names.handshake_db);
  await watch.look();
  const waiting = new Map();
  const controls = [];
  const began = Date.now();
  await forEach(Array.from({ length: count }), async () => {
    const device = new Device({ handshake: daemon.handshake, owner: `user-${newChannelId()}@example.com`, name: 'a phone' });
    waiting.set(device.id, { device });
    const { status, text } = await device.register();
    if (status !== 201) throw new Error(`register: ${status} ${text}`);
  });
  let seenMails = 0;
  await watch.until(count, (doc) => {
    const entry = waiting.get(doc._id);
    if (doc.state === 'confirming' && entry) entry.deviceCode = doc.device_code;
    if (doc.state === 'active' && entry) controls.push(doc.syncpoint.replace(/\/$/, '').split('/').at(-1));
    return doc.state === 'active' && waiting.delete(doc._id);
  }, async () => {
    for (; seenMails < mail.mails.length; seenMails += 1) {
      const { text } = mail.mails[seenMails];
      const link = LINK.test(text) && linkIn(mail.mails[seenMails]);
      if (link && waiting.has(link.subject)) waiting.get(link.subject).link = link;
    }
    const ready = [...waiting.values()].filter((entry) => entry.link && entry.deviceCode && !entry.answered);
    await forEach(ready, async (entry) => {
      entry.answered = true;
      const doc = confirmDocument({ ...entry.link, deviceCode: entry.deviceCode });
      await daemon.request(`/${daemon.names.handshake_db}/${doc._id}`, { method: 'PUT', body: doc });
    });
  });
  return { seconds: (Date.now() - began) / 1000, controls };
}

/** New channels in the control databases; until the last document says `ready`. */
async function makeChannels(daemon, controls, each) {
  const watch = new Watch(daemon, daemon.names.registry_db);
  await watch.look();
  const began = Date.now();
  const ids = [];
  await forEach(controls, async (control) => {
    const docs = Array.from({ length: each }, () => newChannelId()).map((_id) => ({ _id, type: 'channel', state: 'new', name: `channel ${_id}` }));
    ids.push(...docs.map(({ _id }) => [control, _id]));
    await daemon.request(`/${control}/_bulk_docs`, { method: 'POST', body: { docs } });
  });
  const seen = new Set();
  await watch.until(ids.length, (doc) => doc._id.startsWith('channel-') && doc.state === 'ready' && !seen.has(doc._id) && seen.add(doc._id));
  // The registry has it before the document does. One request for all of a user's: a request each would be work that the bare client has not.
  await forEach(controls, async (control) => {
    const keys = ids.filter(([of]) => of === control).map(([, id]) => id);
    const look = () => daemon.request(`/${control}/_all_docs?include_docs=true`, { method: 'POST', body: { keys } });
    while ((await look()).body.rows.some(({ doc }) => doc.state !== 'ready')) await sleep(LOOK_MS / 4);
  });
  return { seconds: (Date.now() - began) / 1000, ids };
}

/** What a channel's database holds, for the bare client to make. */
async function channelBodies(daemon, id) {
  const path = `/${daemon.names.channel_prefix}${id}`;
  const { body: security } = await daemon.request(`${path}/_security`);
  const { body: { rows } } = await daemon.request(`${path}/_all_docs?include_docs=true`);
  return JSON.stringify({ security, docs: rows.map(({ doc: { _rev, ...rest } }) => rest) });
}

/** Seconds by how many requests are under way; each makes databases of its own. */
async function bareChannels(server, bodies, count, round) {
  const times = {};
  for (const atOnce of AT_ONCE) {
    times[atOnce] = (await run(server, 'bare_client', ['channels', `bare-channels-${round}-${atOnce}-`, count, atOnce], bodies)).seconds;
  }
  return times;
}

export async function measure({ server, quick }) {
  const devices = quick ? 20 : 200;
  const rounds = quick ? 1 : 3;
  const [users, each] = quick ? [10, 2] : [40, 5];
  const mail = await startMailSink();
  const daemon = await startDaemon({ server, mail, channels_mail: { mail_per_minute: 100000 } });
  try {
    const loops = [];
    let controls = [];
    for (let round = 0; round < rounds; round += 1) {
      const result = await deviceLoops(daemon, mail, devices);
      loops.push(result.seconds);
      controls = result.controls;
    }
    const count = users * each;
    const times = [];
    let bodies;
    for (let round = 0; round < rounds; round += 1) {
      await sleep(5000);  // all asleep again
      const ours = await makeChannels(daemon, controls.slice(0, users), each);
      await sleep(5000);
      bodies ??= await channelBodies(daemon, ours.ids[0][1]);
      const bareTimes = await bareChannels(server, bodies, count, round);
      times.push({ ours: ours.seconds, bare: Math.min(...Object.values(bareTimes)), bareTimes });
    }
    const ratio = median(times.map(({ ours, bare }) => bare / ours));
    return {
      rows: [
        row({ what: `device loops, new to active (${devices} at once, each with a user of its own)`, unit: 'a second', ours: devices / median(loops) }),
        row({
          what: `channels made (${count} by ${users} users), the best bare client`, unit: 'a second', ours: count / median(times.map(({ ours }) => ours)), bare: count / median(times.map(({ bare }) => bare)),
          ratio, goal: 'at least 0.9', met: ratio >= 0.9,
        }),
        ...AT_ONCE.map((atOnce) => row({
          what: `the same, the bare client with ${atOnce} requests at once`, unit: 'a second', ours: count / median(times.map(({ ours }) => ours)),
          bare: count / median(times.map(({ bareTimes }) => bareTimes[atOnce])), ratio: median(times.map(({ ours, bareTimes }) => bareTimes[atOnce] / ours)),
        })),
      ],
      detail: {
        loops: loops.map((seconds) => rounded(seconds)),
        channels: times.map(({ ours, bareTimes }) => ({ ours: rounded(ours), ...Object.fromEntries(AT_ONCE.map((atOnce) => [`bare_${atOnce}`, rounded(bareTimes[atOnce])])) })),
      },
    };
  } finally {
    await daemon.kill();
    await mail.close();
  }
}

// One person more in a group that has many channels: what is written for it, and how long it takes until he has all of them.

import { randomBytes } from 'node:crypto';
import { forEach, numbersTo } from './lib/databases.mjs';
import { row } from './lib/numbers.mjs';
import { person, security } from '../tests/lib/people.mjs';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { startMailSink } from '../tests/lib/mail_sink.mjs';
import { waitFor } from '../tests/lib/net.mjs';
import { newChannelId, World } from '../tests/lib/world.mjs';

export const title = 'Groups';

const AT_ONCE = 50;
const LONG = { timeout: 300000, interval: 100 };

/** A group of hers with that many channels; gives their ids. */
async function makeTeam(alice, group, count) {
  const channels = [];
  await alice.put({ _id: group, type: 'group', state: 'new', name: 'The team' });
  await alice.settled(group, ['ready'], LONG);
  await forEach(numbersTo(count), async (n) => {
    const channel = newChannelId();
    await alice.put({ _id: channel, type: 'channel', state: 'new', name: `Channel ${n}` });
    await alice.settled(channel, ['ready'], LONG);
    const wish = { _id: `member-${randomBytes(8).toString('hex')}`, type: 'member', state: 'change', channel, group, access: 'writer' };
    await alice.put(wish);
    await alice.settled(wish._id, ['done'], LONG);
    channels.push(channel);
  }, AT_ONCE);
  return channels;
}

/** The channels' _security, each as text. */
async function objectsOf(world, channels) {
  const objects = [];
  await forEach(channels.map((channel, n) => [channel, n]), async ([channel, n]) => { objects[n] = JSON.stringify(await security(world, channel)); }, AT_ONCE);
  return objects;
}

/** How many documents changed since, by what changed; `before` as this function gave it. */
async function writesOf(world, databases) {
  const seqs = {};
  for (const [what, name] of Object.entries(databases)) {
    const { body } = await world.daemon.request(`/${name}`);
    seqs[what] = Number(body.update_seq.split('-')[0]);
  }
  return seqs;
}

export async function measure({ server, quick }) {
  const count = quick ? 20 : 1000;
  const mail = await startMailSink();
  const daemon = await startDaemon({ server, mail });
  const world = new World(server, mail, daemon);
  try {
    const [alice, bob] = [await person(world, 'alice@example.com'), await person(world, 'bob@example.com')];
    const group = newChannelId();
    const channels = await makeTeam(alice, group, count);
    await alice.invite(group, bob.address, 'writer');
    const invitation = await bob.invitation(group);
    const objects = await objectsOf(world, channels);
    const databases = {
      'his control database': bob.device.control.split('/').at(-1), 'the owner\'s control database': alice.device.control.split('/').at(-1), '_users': '_users',
      // The invitation, the group's record, an entry of the audit, and what a worker notes of itself meanwhile.
      registry: daemon.names.registry_db,
    };
    const before = await writesOf(world, databases);
    const began = performance.now();
    await bob.put({ ...invitation, state: 'accept' });
    await waitFor(async () => {
      const { body } = await bob.device.request(`${bob.device.control}/_all_docs`);
      return body.rows.filter(({ id }) => id.includes('-sub-')).length === count;
    }, LONG);
    const took = performance.now() - began;
    await bob.settled(invitation._id, ['accepted'], LONG);
    const after = await writesOf(world, databases);
    const changed = (await objectsOf(world, channels)).filter((object, n) => object !== objects[n]).length;
    return {
      rows: [
        row({ what: `accepted until all ${count} channels are in his control database`, unit: 'ms', ours: took }),
        ...Object.keys(databases).map((what) => row({ what: `documents written, ${what}`, unit: '', ours: after[what] - before[what] })),
        row({ what: `_security objects written (of ${objects.length} looked at)`, unit: '', ours: changed, goal: '0', met: changed === 0 }),
      ],
      detail: {},
    };
  } finally {
    await daemon.kill();
    await mail.close();
  }
}

// From an invitation to the channel on the invitee's device: both have the PouchDB plug-in, online, in this process; the invitee's app accepts
// at once. From before invite() until received; from accept() until the note that waits in the channel is in his local database; and the sum of both for
// each invitation. One pair of people after the other: a user sends at most 50 an hour, and an address gets at most as many.

import { closeAll, newDevice } from '../clients/pouchdb/test/people.mjs';
import { percentile, row } from './lib/numbers.mjs';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { startMailSink } from '../tests/lib/mail_sink.mjs';
import { waitFor } from '../tests/lib/net.mjs';

export const title = 'Invitations';

const PAIRS = 3;
const EACH = 40;
const PATIENT = { timeout: 60000, interval: 2 };

async function channelReady(device, name) {
  return waitFor(() => device.channels().find((channel) => channel.name === name && channel.state === 'ready'), PATIENT);
}

async function oneInvitation(alice, bob, name) {
  const began = performance.now();
  await alice.invite(name, bob.status.owner);
  const { id, channel } = await waitFor(() => bob.invitations().find((known) => known.received && known.state === 'received' && known.name === name), PATIENT);
  const received = performance.now();
  await bob.accept(id);
  await waitFor(() => bob.channels().find((known) => known.id === channel && known.state === 'ready'), PATIENT);
  await waitFor(() => bob.channel(channel).get('note'), PATIENT);
  const ended = performance.now();
  return { received: received - began, accepted: ended - received, total: ended - began };
}

/** The times of `count` invitations, one after the other. */
async function samplesOf([alice, bob], count) {
  const samples = [];
  for (let n = 0; n < count; n += 1) {
    const name = `Channel ${n}`;
    await alice.channel(name).put({ _id: 'note', text: 'hello' });
    await channelReady(alice, name);
    await alice.sync(name);
    samples.push(await oneInvitation(alice, bob, name));
  }
  return samples;
}

function rowsOf(samples) {
  const parts = {
    received: 'invited until received', accepted: 'accepted until the channel\'s document is on the device',
    total: 'invited until the channel\'s document is on the invitee\'s device, accepted at once',
  };
  return Object.entries(parts).flatMap(([part, what]) => [0.5, 0.99].map((share) =>
    row({ what: `${what}, p${share * 100} of ${samples.length}`, unit: 'ms', ours: percentile(samples.map((sample) => sample[part]), share) })));
}

export async function measure({ server, quick }) {
  const [pairs, each] = quick ? [1, 5] : [PAIRS, EACH];
  const mail = await startMailSink();
  const daemon = await startDaemon({ server, mail, channels_mail: { mail_per_address: 1000, mail_per_minute: 100000 } });
  const devices = [];
  try {
    const samples = [];
    for (let n = 1; n <= pairs; n += 1) {
      const pair = [];
      for (const name of ['alice', 'bob']) {
        pair.push(await newDevice({ server, mail, daemon, handshake: daemon.handshake }, `${name}-${n}@example.com`, 'a phone'));
        devices.push(pair.at(-1));
      }
      samples.push(...await samplesOf(pair, each));
    }
    return { rows: rowsOf(samples), detail: {} };
  } finally {
    await closeAll(devices);
    await daemon.kill();
    await mail.close();
  }
}

// From an invitation to the channel on the invitee's device: both have the PouchDB plug-in, online, in this process; the invitee's app accepts
// at once. From before invite() until received; from accept() until the note that waits in the channel is in his local database.

import { closeAll, newDevice } from '../clients/pouchdb/test/people.mjs';
import { percentile, row } from './lib/numbers.mjs';
import { startDaemon } from '../tests/lib/daemon.mjs';
import { startMailSink } from '../tests/lib/mail_sink.mjs';
import { waitFor } from '../tests/lib/net.mjs';

export const title = 'Invitations';

// At most 50 an hour for one invitee.
const MOST = 48;
const PATIENT = { timeout: 60000, interval: 2 };

async function channelReady(device, name) {
  return waitFor(() => device.channels().find((channel) => channel.name === name && channel.state === 'ready'), PATIENT);
}

async function oneInvitation(alice, bob, name) {
  const began = performance.now();
  await alice.invite(name, 'bob@example.com');
  const { id, channel } = await waitFor(() => bob.invitations().find((known) => known.received && known.state === 'received' && known.name === name), PATIENT);
  const received = performance.now();
  await bob.accept(id);
  await waitFor(() => bob.channels().find((known) => known.id === channel && known.state === 'ready'), PATIENT);
  await waitFor(() => bob.channel(channel).get('note'), PATIENT);
  return { received: received - began, accepted: performance.now() - received };
}

export async function measure({ server, quick }) {
  const count = quick ? 5 : MOST;
  const mail = await startMailSink();
  const daemon = await startDaemon({ server, mail, channels_mail: { mail_per_address: 1000, mail_per_minute: 100000 } });
  const devices = [];
  try {
    for (const owner of ['alice@example.com', 'bob@example.com']) devices.push(await newDevice({ server, mail, daemon, handshake: daemon.handshake }, owner, 'a phone'));
    const [alice, bob] = devices;
    const samples = { received: [], accepted: [] };
    for (let n = 0; n < count; n += 1) {
      const name = `Channel ${n}`;
      await alice.channel(name).put({ _id: 'note', text: 'hello' });
      await channelReady(alice, name);
      await alice.sync(name);
      const { received, accepted } = await oneInvitation(alice, bob, name);
      samples.received.push(received);
      samples.accepted.push(accepted);
    }
    const rows = [];
    for (const [what, times] of [['invited until received', samples.received], ['accepted until the channel\'s document is on the device', samples.accepted]])
      for (const share of [0.5, 0.99]) rows.push(row({ what: `${what}, p${share * 100} of ${count}`, unit: 'ms', ours: percentile(times, share) }));
    return { rows, detail: {} };
  } finally {
    await closeAll(devices);
    await daemon.kill();
    await mail.close();
  }
}

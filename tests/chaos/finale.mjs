// One daemon is killed at the moment of a mail, for good: the mail is the only thing that it did of a run. From that
// moment on two things must happen by the others' doing: changes in sleeping control databases, a share of
// which was his, are handled; and the run is run again when his lease is over, with the same mail.

import { newChannelId } from '../lib/world.mjs';

const MAIL_LIMIT_MS = 120000;
const TAKEOVER_MS = 120000;  // to see by how much it is late, where it is
const DATABASES = 30;

/** Answers {device, event, seconds: [of each database], wrong}. The killed one is started again at the end. */
export async function finale({ fleet, crowd, say }) {
  // Those who were there first: their databases have slept longest, and have a hot place nowhere.
  const sleepers = crowd.devices.filter(({ done, hasSecond }) => done && !hasSecond).slice(0, DATABASES);
  const device = crowd.newDevice('finale@example.com');
  let event = null;
  const struck = fleet.post.atNextMail((copy) => {
    if (copy.subject !== device.id || !fleet.isUp(copy.daemon)) return false;
    event = fleet.kill(copy.daemon, { aimed: true });
    return true;
  }, MAIL_LIMIT_MS);
  const life = crowd.live(device);
  if (!await struck) return { device, event, seconds: [], wrong: ['the finale\'s device got no mail'] };
  say(`kill daemon ${event.daemon} for good, at a mail; ${sleepers.length} control databases change now`);
  const seconds = await changeAll(crowd, sleepers);
  say(`all handled, the last after ${Math.max(...seconds).toFixed(1)} s`);
  await life;
  const copies = fleet.post.confirmationsOf(device.id).length;
  await fleet.revive(event);
  return { device, event, seconds, wrong: copies === 2 ? [] : [`the mail of the run that was cut off came ${copies} times, not twice`] };
}

/** A new channel in each; answers the seconds until each was ready. */
function changeAll(crowd, devices) {
  const until = Date.now() + TAKEOVER_MS;
  return Promise.all(devices.map(async (device) => {
    const began = Date.now();
    device.channels = 2;
    await crowd.makeChannel(device, newChannelId(), { interval: 250, until: () => until }).catch((error) => { device.stuck = `after the takeover: ${error.message}`; });
    return (Date.now() - began) / 1000;
  }));
}

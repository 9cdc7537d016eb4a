// Everything here and at a CouchDB in the same network, once, both ways: a laptop's of the same person (docs/laptop.md). What it gets it brings to the
// cloud, and what it has of the cloud comes here, while this device does not reach the cloud itself. Used by device.js.

import { CHANNEL_ID } from './catalog.js';
import { isOurs } from './control_feed.js';
import { ChannelsError } from './errors.js';
import { Replica } from './replica.js';
import { Wait } from './timing.js';

// The laptop makes the database of a channel that was made here when it sees the channel's document.
const LOOKS = 20;
const LOOK_MS = 1000;

/**
 * `neighbour`: a Cloud that logs in there. Gives {control, channels: {<id>}}, each {pulled, pushed}, or {error} of a channel that could not be
 * exchanged. Rejects if the control database cannot be.
 */
export async function exchange({ neighbour, store, catalog, controlPrefix = 'control-', channelPrefix = 'channel-' }) {
  const { user } = store.record;
  const once = async (local, name, push = {}) => {
    const { pulled, pushed } = await new Replica({ local, openRemote: () => neighbour.database(neighbour.server + name), push }).once();
    return { pulled, pushed };
  };
  const result = { control: await once(store.control, controlPrefix + user, { filter: isOurs }), channels: {} };
  for (const { _id, state } of catalog.channels()) {
    const choice = catalog.subscription(_id, user)?.state ?? 'active';
    if (!CHANNEL_ID.test(_id) || !['new', 'ready'].includes(state) || choice !== 'active') continue;
    result.channels[_id] = await whenItIsThere(() => once(store.channel(_id), channelPrefix + _id)).catch((error) => ({ error }));
  }
  return result;
}

async function whenItIsThere(run) {
  for (let look = 1; ; look += 1) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ChannelsError) || error.error !== 'missing' || look === LOOKS) throw error;
      await new Wait().for(LOOK_MS);
    }
  }
}

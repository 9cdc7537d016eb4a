// The device's side of couchdb-channels, as a plug-in for PouchDB 9:
//   PouchDB.plugin(Channels);
//   const device = await PouchDB.channels({ server: 'https://sync.example.com/' });
// README.md has the first steps, docs/devices.md all of it, index.d.ts every call.

import { Device } from './lib/device.js';
import { ChannelsError } from './lib/errors.js';

export default function Channels(PouchDB) {
  // `this` and not the argument: PouchDB.defaults() makes another PouchDB, which inherits it.
  PouchDB.channels = function channels(options) {
    return Device.open(this, options);
  };
}

export { Channels, ChannelsError };

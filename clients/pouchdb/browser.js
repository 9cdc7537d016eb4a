// The browser bundle's beginning: plugs itself into the page's PouchDB, as PouchDB's own plug-ins do.
import Channels from './index.js';

if (!globalThis.PouchDB) throw new Error('Load PouchDB before pouchdb-channels.js.');
globalThis.PouchDB.plugin(Channels);

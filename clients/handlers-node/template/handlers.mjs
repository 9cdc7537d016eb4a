// [channels_handlers] orders = /usr/bin/node --enable-source-maps /srv/orders/handlers.mjs
import { control } from 'couchdb-channels-handlers';

// Safe: run twice is as good as run once.
control.safe('order', 'new', (doc) => ({ ...doc, state: 'accepted', total: doc.items.length }));

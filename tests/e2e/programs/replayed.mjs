// Handler code that is tried by replay: it writes through COUCHDB_URL in every way that an app may.
import { control } from 'couchdb-channels-handlers';

const insert = (db, ...args) => db.insert(...args);

// The embedded server has none.
const find = (db, query) => db.find(query).catch((error) => {
  if (error.statusCode === 501) return { docs: [] };
  throw error;
});

control.safe('order', 'new', async (doc, { couch, db }) => {
  const orders = couch.db.use(db);
  const made = await insert(orders, { type: 'invoice', of: doc._id }, `invoice-${doc._id}`);
  const again = await orders.get(`invoice-${doc._id}`);
  const refused = await insert(orders, { type: 'invoice' }, `invoice-${doc._id}`).catch((error) => error.statusCode);
  const bulk = await orders.bulk({ docs: [{ _id: `line-${doc._id}`, n: 1 }] });
  const known = await orders.get('stock');
  await insert(orders, { ...known, count: known.count - 1 });
  const { docs } = await find(orders, { selector: { type: 'order' }, limit: 100 });
  const nowhere = await insert(couch.use('no-such-database'), { a: 1 }, 'x').catch((error) => error.statusCode);
  return { ...doc, state: 'accepted', nowhere, rev: made.rev, again: again.of, refused, bulk: bulk.length, orders: docs.length, items: undefined, trial: process.env.CHANNELS_REPLAY };
});
control.unsafe('order', 'paid', async (doc, { couch, db }) => {
  await couch.request({ db, doc: 'old-thing', method: 'delete', qs: { rev: (await couch.use(db).get('old-thing'))._rev } });
  await couch.db.create('made-by-replay').catch(() => {});
  await couch.request({ db, path: '_security', method: 'put', body: { admins: {} } });
  return { ...doc, state: 'shipped' };
});
control.safe('order', 'odd', () => { throw new Error('no such luck'); });
control.safe('order', 'kept', () => {});

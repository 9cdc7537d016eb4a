// The example of old: a channel that is ready gets a first document. And a device that is active a greeting, in its control database.
import { control } from 'couchdb-channels-handlers';

control.safe('channel', 'ready', async (doc, { couch }) => {
  const database = couch.use(doc.database);
  await database.insert({ _id: 'welcome', text: `Welcome to ${doc.name}` }).catch((error) => {
    if (error.statusCode !== 409) throw error;
  });
});

control.safe('device', 'active', async (doc, { couch, db }) => {
  await couch.use(db).insert({ _id: `greeting-${doc._id}`, type: 'greeting', state: 'new', text: `Hello, ${doc.name}` }).catch((error) => {
    if (error.statusCode !== 409) throw error;
  });
});

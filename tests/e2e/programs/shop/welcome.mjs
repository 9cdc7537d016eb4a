// The example of old: a channel that is ready gets a first document.
import { control } from 'couchdb-channels-handlers';

control.safe('channel', 'ready', async (doc, { couch }) => {
  const database = couch.use(doc.database);
  await database.insert({ _id: 'welcome', text: `Welcome to ${doc.name}` }).catch((error) => {
    if (error.statusCode !== 409) throw error;
  });
});

// The example of old: a new device gets a mail with a code. And what a test wants to see of ctx.
import { control } from 'couchdb-channels-handlers';
import nodemailer from 'nodemailer';

control.unsafe('device', 'new', async (doc, { attemptKey }) => {
  const code = attemptKey.slice(0, 6);
  const mailer = nodemailer.createTransport({ url: doc.mail, ignoreTLS: true });
  await mailer.sendMail({ from: 'shop@example.com', to: doc.owner, subject: 'Your code', text: `It is ${code}.`, messageId: `<${attemptKey}@shop.example>` });
  return { ...doc, state: 'confirming', code };
}, { onLost: 'retry' });

control.safe('who', 'new', async (doc, { couch, db }) => {
  const { userCtx } = await couch.session();
  console.log('a stray line');
  return { ...doc, state: 'known', name: userCtx.name, db };
});

control.safe('stock', 'new', (doc, { attempt, retryLater }) => (attempt < 3 ? retryLater(1, 'no stock') : { ...doc, state: 'there', attempt }));

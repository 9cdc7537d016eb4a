// After a whole run no document, revision, feed or log line holds a confirm_code or a device's secret.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { confirmDocument, newCredential } from '../lib/device.mjs';
import { serverKind } from '../lib/couch_server.mjs';
import { linkIn } from '../lib/mail_sink.mjs';
import { waitFor, request } from '../lib/net.mjs';
import { everyText, findSecrets } from '../lib/secrets.mjs';
import { startWorld } from '../lib/world.mjs';

/** One of a person's two devices signs the other out; a third comes over the mail limit, by the link for all. */
async function moreOfAlice(world, phone, remember) {
  const lost = remember(await world.activate(world.device('alice@example.com', { name: 'lost' })));
  await world.put(phone, { ...await world.get(phone, lost.id), state: 'revoke' });
  await lost.waitFor('revoked');
  const late = remember(world.device('alice@example.com', { name: 'late' }));
  await late.register();
  const { device_code: deviceCode } = await late.waitFor('confirming');
  const link = linkIn(await world.mail.next({ to: 'alice@example.com', subject: /devices/ }));
  assert.equal((await world.confirm(confirmDocument({ ...link, deviceCode }))).state, 'used');
  await late.waitFor('active');
  return link.code;
}

async function wholeRun(world) {
  const secrets = {};
  const remember = (device) => {
    const whose = `${device.owner}, ${device.name}`;
    secrets[`secret of ${whose}`] = device.secret;
    if (device.link) secrets[`confirm_code of ${whose}`] = device.link.code;
    return device;
  };
  const phone = remember(await world.activate(world.device('alice@example.com')));
  const channel = await world.makeChannel(phone);
  await phone.request(`${channel.syncpoint}/note`, { method: 'PUT', body: { text: 'x' } });

  secrets['code of the link for all'] = await moreOfAlice(world, phone, remember);

  const wrong = await world.register(world.device('wrong@example.com'));
  await world.confirm(confirmDocument({ ...wrong.link, deviceCode: 'BBBB-BBBB' }));
  remember(wrong);
  const rejected = await world.register(world.device('rejected@example.com'));
  await world.confirm(world.confirmOf(rejected, 'not me'));
  remember(rejected);

  const fresh = newCredential();
  const id = `rotate-${phone.id}-1`;
  await phone.request(`${world.handshake}/${id}`, { method: 'PUT', body: { _id: id, type: 'rotate', state: 'new', credential: fresh.verifier } });
  await waitFor(async () => (await request(`${world.handshake}/${id}`)).body.state === 'done');
  secrets['rotated secret'] = fresh.secret;
  await world.quiet();
  return { secrets, phone };
}

// A server of its own, because the other tests' one keeps its log to itself; both logs hold all that they can.
test('invariant 7: no secret and no code is in any document, revision, feed or log', async () => {
  const own = serverKind({ own: true }) !== 'external';
  const world = await startWorld({ own, config: { log: { level: 'info' } }, debug: true, channels_mail: { mail_per_address: 2 } });
  try {
    const { secrets, phone } = await wholeRun(world);
    const ours = new Set(await world.daemon.databases());
    // Of somebody's server only what is ours, of an own one all that there is.
    const texts = await everyText(world.server, (name) => own || ours.has(name) || name === '_users');
    assert.ok(texts.some(({ where, text }) => where === '/_db_updates' && text.includes(world.daemon.names.handshake_db)), 'the feed of all');
    const seen = (name) => texts.some(({ where }) => where === `${name}/_changes`);
    for (const name of world.server.kind === 'couchdb' ? ['_users', '_replicator', '_global_changes', ...ours] : ours) assert.ok(seen(name), name);
    texts.push({ where: 'the daemon\'s log', text: world.daemon.output });
    if (own) texts.push({ where: 'the server\'s log', text: world.server.outputText() });
    // CouchDB logs each request; the embedded server logs only what went wrong.
    if (world.server.kind === 'couchdb') assert.ok(texts.at(-1).text.includes(`PUT /${world.daemon.names.handshake_db}/${phone.id}`), 'the log from its beginning');
    assert.ok(texts.length > 30, 'the search saw documents');
    assert.deepEqual(findSecrets(texts, secrets), []);
    // The search finds what is there.
    assert.notDeepEqual(findSecrets(texts, { verifier: phone.credential.derived_key }), []);
    assert.ok(world.mail.mails.some(({ text }) => text.includes(secrets['confirm_code of alice@example.com, a phone'])));
  } finally {
    await world.close();
  }
});

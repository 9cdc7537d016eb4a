// After a whole run no document, revision, feed or log line holds a confirm_code or a device's secret.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { confirmDocument, newCredential } from '../lib/device.mjs';
import { waitFor, request } from '../lib/net.mjs';
import { everyText, findSecrets } from '../lib/secrets.mjs';
import { startWorld } from '../lib/world.mjs';

async function wholeRun(world) {
  const secrets = {};
  const remember = (device) => {
    secrets[`secret of ${device.owner}`] = device.secret;
    if (device.link) secrets[`confirm_code of ${device.owner}`] = device.link.code;
    return device;
  };
  const phone = remember(await world.activate(world.device('alice@example.com')));
  const channel = await world.makeChannel(phone);
  await phone.request(`${channel.syncpoint}/note`, { method: 'PUT', body: { text: 'x' } });

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

test('no secret and no code is in any document, revision, feed or log', async () => {
  const world = await startWorld();
  try {
    const { secrets, phone } = await wholeRun(world);
    const ours = new Set(await world.daemon.databases());
    const texts = await everyText(world.server, (name) => ours.has(name) || name === '_users');
    texts.push({ where: 'the daemon\'s log', text: world.daemon.output });
    if (world.server.outputText) texts.push({ where: 'the server\'s log', text: world.server.outputText() });
    assert.ok(texts.length > 30, 'the search saw documents');
    assert.deepEqual(findSecrets(texts, secrets), []);
    // The search finds what is there.
    assert.notDeepEqual(findSecrets(texts, { verifier: phone.credential.derived_key }), []);
    assert.ok(world.mail.mails.some(({ text }) => text.includes(secrets['confirm_code of alice@example.com'])));
  } finally {
    await world.close();
  }
});

// Confirms that are wrong, late, doubled, forged or a stranger's: what each comes to.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { NOT_ME, YES, YES_ALONE, confirmDocument, withConfirmId } from '../lib/device.mjs';
import { request, waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const randomCode = () => randomBytes(32).toString('hex');
const otherCode = (code) => (code[0] === 'B' ? `C${code.slice(1)}` : `B${code.slice(1)}`);

function mustFail(answered, error) {
  assert.equal(answered.state, 'error', JSON.stringify(answered));
  assert.equal(answered.error.error, error);
  assert.match(answered.error.reason, /\w+ .+\.$/);
}

test('a wrong device code, a wrong link and a made-up id are one and the same error, and touch nothing', async () => {
  const device = await world.register(world.device('wrong@example.com'));
  const before = await device.read();
  const { subject, code } = device.link;
  mustFail(await world.confirm(confirmDocument({ subject, code, deviceCode: otherCode(device.deviceCode) })), 'wrong_proof');
  mustFail(await world.confirm(confirmDocument({ subject, code: randomCode(), deviceCode: device.deviceCode })), 'wrong_proof');
  mustFail(await world.confirm(confirmDocument({ subject: randomCode(), code, deviceCode: device.deviceCode })), 'wrong_proof');
  mustFail(await world.confirm(confirmDocument({ subject, code: randomCode(), answer: NOT_ME })), 'wrong_proof');
  assert.deepEqual(await device.read(), before);
  await world.activate(device);
});

test('a proof for one device confirms no other one', async () => {
  const mine = await world.register(world.device('proof-a@example.com'));
  const theirs = await world.register(world.device('proof-b@example.com'));
  const proof = world.confirmOf(mine).proof;
  mustFail(await world.confirm(withConfirmId({ type: 'confirm', state: 'clicked', device: theirs.id, answer: YES, proof })), 'wrong_proof');
  // And a `not me` is not the proof of a yes.
  const rejecting = world.confirmOf(mine, NOT_ME).proof;
  mustFail(await world.confirm(withConfirmId({ type: 'confirm', state: 'clicked', device: mine.id, answer: YES, proof: rejecting })), 'wrong_proof');
  assert.equal((await theirs.read()).state, 'confirming');
});

test('a confirm sent twice is used once and stays used', async () => {
  const device = await world.register(world.device('twice@example.com'));
  const doc = world.confirmOf(device);
  assert.equal((await world.confirm(doc)).state, 'used');
  assert.equal((await world.confirm(doc)).state, 'used');
  await device.waitFor('active');
  assert.equal((await request(`${world.handshake}/${doc._id}`, { method: 'PUT', body: doc })).status, 409);
  assert.equal(world.mail.to('twice@example.com').length, 1);
});

test('two confirms at once: one answer counts, the other is told so', async () => {
  const device = await world.register(world.device('race@example.com'));
  const answers = await Promise.all([world.confirm(world.confirmOf(device, YES)), world.confirm(world.confirmOf(device, YES_ALONE))]);
  const used = answers.filter(({ state }) => state === 'used');
  assert.equal(used.length, 1, JSON.stringify(answers));
  mustFail(answers.find(({ state }) => state === 'error'), 'already_answered');
  await device.waitFor('active');
});

test('the same right answer from a second page is used again', async () => {
  const device = await world.activate(world.device('again@example.com'));
  // A purge of the first confirm: the same document comes once more, e.g. from a page left open.
  const doc = world.confirmOf(device);
  const { body } = await world.daemon.request(`/${world.daemon.names.handshake_db}/${doc._id}`);
  await world.daemon.request(`/${world.daemon.names.handshake_db}/_purge`, { method: 'POST', body: { [doc._id]: [body._rev] } });
  assert.equal((await world.confirm(doc)).state, 'used');
  assert.equal((await device.read()).state, 'active');
});

test('a stranger\'s branch on a confirm spoils nothing', async () => {
  const device = await world.register(world.device('branch@example.com'));
  const doc = world.confirmOf(device);
  // The stranger saw the document pass by, and was faster with copies of it.
  for (const rev of [`1-${'f'.repeat(32)}`, `1-${'0'.repeat(32)}`]) {
    const { body } = await world.stranger('/_bulk_docs', { method: 'POST', body: { new_edits: false, docs: [{ ...doc, _rev: rev }] } });
    assert.deepEqual(body.filter((row) => row.error), []);
  }
  assert.equal((await world.confirm(doc)).state, 'used');
  await device.waitFor('active');
  // A branch later on.
  await world.stranger('/_bulk_docs', { method: 'POST', body: { new_edits: false, docs: [{ ...doc, _rev: `1-${'e'.repeat(32)}` }] } });
  await world.quiet();
  assert.equal((await request(`${world.handshake}/${doc._id}`)).body.state, 'used');
  assert.equal((await device.read()).state, 'active');
});

test('"not me" rejects the device, for good', async () => {
  const device = await world.register(world.device('notme@example.com'));
  assert.equal((await world.confirm(world.confirmOf(device, NOT_ME))).state, 'used');
  const rejected = await device.waitFor('rejected');
  assert.deepEqual(Object.keys(rejected).sort(), ['_id', '_rev', 'state', 'type']);
  mustFail(await world.confirm(world.confirmOf(device, YES)), 'rejected');
  assert.equal((await device.read()).state, 'rejected');
  assert.equal((await world.daemon.request(`/_users/org.couchdb.user:${device.username}`)).status, 404);
});

test('"not me" after a wrong "yes" signs the device out: the mailbox outranks every device', async () => {
  const device = await world.activate(world.device('regret@example.com'));
  assert.equal((await world.confirm(world.confirmOf(device, NOT_ME))).state, 'used');
  await device.waitFor('revoked');
  await waitFor(async () => (await device.request(device.control)).status === 401, { what: 'the log-in being refused' });
  await world.mail.next({ to: 'regret@example.com', subject: /signed out/ });
});

test('"sign out all others" revokes the others before the new one is active', async () => {
  const old = await world.activate(world.device('alone@example.com', { name: 'lost phone' }));
  const fresh = await world.activate(world.device('alone@example.com', { name: 'new phone' }), YES_ALONE);
  assert.equal((await old.read()).state, 'revoked');
  assert.equal((await old.request(old.control)).status, 401);
  assert.equal((await world.get(fresh, old.id)).state, 'revoked');
  assert.equal((await world.get(fresh, fresh.id)).state, 'active');
});

test('1,000 wrong confirms by a stranger block nobody', async () => {
  const device = await world.register(world.device('crowd@example.com'));
  const docs = Array.from({ length: 1000 }, () => confirmDocument({ subject: device.id, code: randomCode(), deviceCode: device.deviceCode }));
  const { body } = await world.stranger('/_bulk_docs', { method: 'POST', body: { docs } });
  assert.equal(body.filter((row) => row.ok).length, 1000);
  await world.activate(device);
  await waitFor(async () => {
    const found = await request(`${world.handshake}/_bulk_get`, { method: 'POST', body: { docs: docs.map(({ _id }) => ({ id: _id })) } });
    return found.body.results.every(({ docs: [{ ok }] }) => ok.state === 'error' && ok.error.error === 'wrong_proof');
  }, { timeout: 120000, interval: 2000, what: 'an answer to each of them' });  // a look at 1,000 is work for the server, too
});

test('a stranger who copies every public field and reads the whole feed pairs nothing', async () => {
  const victim = await world.register(world.device('target@example.com', { name: 'phone', locale: 'en' }));
  const confirming = await victim.read();
  // All that the handshake ever showed of it, to everyone, with every revision.
  const leaves = await request(`${world.handshake}/${victim.id}?revs=true&open_revs=all`, { headers: { accept: 'application/json' } });
  const first = leaves.body[0].ok._revisions.ids.at(-1);
  const original = (await request(`${world.handshake}/${victim.id}?rev=1-${first}`)).body;
  assert.equal(original.owner, 'target@example.com', 'the first revision is public until it is compacted');

  // 1. The stranger's own device with all of the victim's fields but a secret of his own.
  const stranger = world.device('target@example.com', { name: original.name, locale: original.locale });
  await world.register(stranger);
  // 2. The victim's person types the victim's code into the mail about the stranger's device.
  mustFail(await world.confirm(confirmDocument({ ...stranger.link, deviceCode: victim.deviceCode })), 'wrong_proof');
  assert.equal((await world.confirm(world.confirmOf(victim))).state, 'used');
  // 3. The stranger replays every proof of the feed, of the wrong mail and of the right one, for his device.
  const { body: feed } = await world.stranger('/_changes?include_docs=true');
  const proofs = feed.results.map(({ doc }) => doc).filter(({ type, device }) => type === 'confirm' && [victim.id, stranger.id].includes(device));
  assert.equal(proofs.length, 2);
  for (const { answer, proof } of proofs)
    mustFail(await world.confirm(withConfirmId({ type: 'confirm', state: 'clicked', device: stranger.id, answer, proof })), 'wrong_proof');
  // 4. He cannot write the victim's document, nor one that shows the victim's device_code.
  const { _rev } = await victim.read();
  const forged = { ...original, _rev, device_code: confirming.device_code };
  assert.equal((await world.stranger(`/${victim.id}`, { method: 'PUT', body: forged })).status, 403);

  await victim.waitFor('active');
  assert.equal((await stranger.read()).state, 'confirming');
  assert.equal((await stranger.request(`${world.server.url}/${(await victim.read()).control_database}`)).status, 401);
});

test('an unconfirmed device expires on time; its code is worth nothing then', async () => {
  // Long enough for a busy machine: its code is read from the document, which has it as long as it is "confirming".
  const quick = await startWorld({ channels: { confirm_ttl: 15 } });
  try {
    const device = await quick.register(quick.device('late@example.com'));
    const expired = await device.waitFor('expired');
    assert.deepEqual(Object.keys(expired).sort(), ['_id', '_rev', 'state', 'type']);
    mustFail(await quick.confirm(quick.confirmOf(device)), 'expired');
    assert.equal((await device.read()).state, 'expired');
  } finally {
    await quick.close();
  }
});

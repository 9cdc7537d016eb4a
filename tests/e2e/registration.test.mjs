// A device from its document to its first channel, a second device of the same user, and what the mails say.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.close());

const fieldsOf = (doc) => Object.keys(doc).sort();

test('a device registers, is confirmed, logs in, and its channel becomes ready', async () => {
  const phone = world.device('alice@example.com', { name: "Alice's phone", locale: 'en' });
  await world.register(phone);

  const confirming = await phone.read();
  assert.deepEqual(fieldsOf(confirming), ['_id', '_rev', 'device_code', 'expires', 'state', 'type'].sort());
  assert.match(confirming.device_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);

  const used = await world.confirm(world.confirmOf(phone));
  assert.equal(used.state, 'used');

  const active = await phone.waitFor('active');
  assert.deepEqual(fieldsOf(active), ['_id', '_rev', 'control_database', 'state', 'syncpoint', 'type', 'user', 'username'].sort());
  assert.equal(active.username, `device-${phone.id}`);
  assert.equal(active.syncpoint, `${world.server.url}/${active.control_database}`);
  phone.control = active.syncpoint;

  const copy = await world.get(phone, phone.id);
  assert.equal(copy.state, 'active');
  assert.equal(copy.name, "Alice's phone");
  assert.equal(copy.credential, undefined);
  assert.equal(copy.device_code, undefined);

  const channel = await world.makeChannel(phone, { name: 'Fun Times', owner: 'alice@example.com' });
  assert.equal(channel.state, 'ready', JSON.stringify(channel));
  assert.equal(channel.syncpoint, `${world.server.url}/${channel.database}`);
  const description = await phone.request(`${channel.syncpoint}/description`);
  assert.equal(description.body.name, 'Fun Times');

  const subscription = await world.get(phone, `${channel._id}-sub-${active.user}`);
  assert.deepEqual([subscription.state, subscription.channel, subscription.syncpoint], ['active', channel._id, channel.syncpoint]);

  const written = await phone.request(`${channel.syncpoint}/photo`, { method: 'PUT', body: { any: 'thing' } });
  assert.equal(written.status, 201);
});

test('databases are opened by role: to the user, to nobody else', async () => {
  const phone = await world.activate(world.device('security@example.com'));
  const channel = await world.makeChannel(phone);
  const security = await world.daemon.request(`/${channel.database}/_security`);
  assert.deepEqual(security.body.members.roles, [`user:${phone.user}`]);
  assert.deepEqual(security.body.channels, { owners: [`user:${phone.user}`], readers: [] });
  const control = await world.daemon.request(`/${phone.control.split('/').pop()}/_security`);
  assert.deepEqual(control.body.members.roles, [`user:${phone.user}`]);

  const other = await world.activate(world.device('other@example.com'));
  for (const url of [phone.control, channel.syncpoint]) {
    assert.equal((await other.request(url)).status, 403, 'another user');
    assert.equal((await phone.request(url)).status, 200);
    assert.equal((await fetch(url)).status, 401, 'nobody');
  }
  assert.ok([401, 403].includes((await phone.request(world.daemon.registry)).status), 'the registry is the daemon\'s');
});

test('a second device of the same user gets the same control database, and is told to the address and to every device', async () => {
  const phone = await world.activate(world.device('bob@example.com', { name: 'phone' }));
  assert.equal(world.mail.to('bob@example.com').length, 1, 'the first device is told by its confirmation alone');
  const second = world.device('BOB@Example.com', { name: 'laptop/one' });
  second.mailbox = 'bob@example.com';
  const laptop = await world.activate(second);
  assert.equal(laptop.control, phone.control);
  assert.equal(laptop.user, phone.user);
  const told = await world.mail.next({ to: 'bob@example.com', subject: /new device/ });
  assert.match(told.text, /laptop\/one/);
  const shown = await world.get(phone, laptop.id);
  assert.equal(shown.state, 'active');
  assert.equal(shown.name, 'laptop/one');
});

test('mail to a known user goes to the address that the registry has', async () => {
  await world.activate(world.device('carol@example.com'));
  const second = world.device('CAROL@example.com');
  await second.register();
  const mail = await world.mail.next({ subject: /Confirm/, to: 'carol@example.com' });
  assert.deepEqual(mail.to, ['carol@example.com']);
});

test('the mail is in the device\'s language, text and HTML, and has what a mail needs', async () => {
  for (const [locale, language, words] of [['de-AT', 'de', /Gerät/], ['es', 'es', /dispositivo/], ['en_GB', 'en', /device/], ['xx', 'en', /device/], [undefined, 'en', /device/]]) {
    const device = world.device(`locale-${locale}@example.com`, { locale });
    await world.register(device);
    const { mail } = device;
    assert.match(mail.text, words);
    assert.match(mail.html, words);
    assert.ok(mail.html.includes(device.link.url), 'the link is in the HTML too');
    assert.equal(mail.headers.get('content-language'), language);
    assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
    assert.match(mail.headers.get('message-id'), /^<[0-9a-f]+@channels\.example>$/);
    assert.ok(mail.headers.get('date') instanceof Date);
    assert.equal(device.link.subject, device.id);
    assert.ok(device.link.url.startsWith(`${world.server.url}/_utils/channels/confirm.html#`));
    assert.ok(!mail.raw.includes(device.deviceCode), 'the device\'s code is never in the mail');
  }
});

test('owners that are no address become an error with a plain reason', async () => {
  for (const owner of ['', 'alice', 'alice@', '@example.com', 'a@b@example.com', 'Alice <alice@example.com>', '"a b"@example.com',
    'alice@example.com\r\nBcc: eve@example.com', 'alice@example.com, bob@example.com', 'alice@localhost', 'al ice@example.com',
    'alice@exa\u0000mple.com', '.a@example.com', 'a..b@example.com']) {
    const device = world.device(owner);
    assert.equal((await device.register()).status, 201, JSON.stringify(owner));
    const failed = await device.waitFor('error');
    assert.equal(failed.error.error, 'bad_owner');
    assert.match(failed.error.reason, /\w+ .+\.$/);
    assert.deepEqual(fieldsOf(failed), ['_id', '_rev', 'error', 'state', 'type'].sort());
  }
  assert.equal(world.mail.mails.filter(({ to }) => to.some((address) => /eve|alice@localhost/.test(address))).length, 0);
});

test('only ASCII letters are folded: the Kelvin sign makes another person', async () => {
  const kate = await world.activate(world.device('kate@example.com'));
  const kelvin = world.device('\u212aate@example.com');
  await kelvin.register();
  // A mail server without SMTPUTF8 refuses the address; one with it sends the mail to that mailbox.
  await waitFor(async () => ['confirming', 'error'].includes((await kelvin.read()).state));
  assert.equal(world.mail.to('kate@example.com').length, 1, 'kate hears nothing of it');
  assert.notEqual((await kelvin.read()).user, kate.user);
});

test('line breaks and markup of strangers reach no header and no HTML', async () => {
  const name = 'x\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\u0000\u202e"';
  const device = await world.register(world.device('victim@example.com', { name, locale: 'en\r\nX: y' }));
  const { mail } = device;
  assert.equal(mail.headers.get('bcc'), undefined);
  assert.equal(mail.headers.get('x'), undefined);
  assert.deepEqual(mail.to, ['victim@example.com']);
  assert.ok(!/<script/i.test(mail.html));
  for (const point of ['\u0000', '\u202e', '<', '@', ':', '/']) {
    const shown = /called "(.*?)" wants/s.exec(mail.text)?.[1] ?? '';
    assert.ok(!shown.includes(point), `${JSON.stringify(point)} in ${JSON.stringify(shown)}`);
  }
});

test('until an address is confirmed the name carries no message', async () => {
  const name = `Visit www.evil.example/win?x=1 or mail me@evil.example: ${'prize '.repeat(20)}`;
  const device = await world.register(world.device('first@example.com', { name }));
  const shown = /called "(.*?)" wants/s.exec(device.mail.text)[1];
  assert.ok([...shown].length <= 40, shown);
  assert.ok(!/[/:@]|\w\.\w/.test(shown), shown);
  await world.activate(device);
  const second = await world.register(world.device('first@example.com', { name: 'me.and/you' }));
  assert.match(second.mail.text, /me\.and\/you/, 'a known user sees the name as it is');
});

test('a mail server that refuses the mailbox ends the registration, one that is down does not', async () => {
  world.mail.reject = (address) => (address === 'nobody@example.com' ? { code: 550, message: 'no such user' } : null);
  const nobody = world.device('nobody@example.com');
  await nobody.register();
  assert.equal((await nobody.waitFor('error')).error.error, 'mail_refused');

  let refusals = 0;
  world.mail.reject = (address) => (address === 'busy@example.com' && ++refusals <= 2 ? { code: 451, message: 'later' } : null);
  const busy = await world.register(world.device('busy@example.com'));
  assert.equal(refusals, 3);
  assert.equal(world.mail.to('busy@example.com').length, 1);
  assert.ok(busy.deviceCode);
  world.mail.reject = null;
});

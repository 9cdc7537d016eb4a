// Floods of registrations: what reaches a mailbox, and that the person's own device gets in all the same.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { NOT_ME, YES_ALONE, confirmDocument, withConfirmId } from '../lib/device.mjs';
import { linkIn } from '../lib/mail_sink.mjs';
import { waitFor } from '../lib/net.mjs';
import { startWorld } from '../lib/world.mjs';

test('over the limit one mail an hour has a link for all pending devices of the address', async () => {
  const world = await startWorld({ channels_mail: { mail_per_address: 2 } });
  try {
    const flood = Array.from({ length: 12 }, () => world.device('flooded@example.com', { name: 'bad' }));
    await Promise.all(flood.map((device) => device.register()));
    await Promise.all(flood.map((device) => device.waitFor('confirming', { timeout: 60000 })));
    assert.equal(world.mail.to('flooded@example.com').length, 3, 'two of their own, one for the rest');

    // The person's own device comes last of all.
    const own = world.device('flooded@example.com', { name: 'mine' });
    await own.register();
    const { device_code: deviceCode } = await own.waitFor('confirming');
    assert.equal(world.mail.to('flooded@example.com').length, 3);
    const collective = world.mail.to('flooded@example.com').find(({ subject }) => /devices/.test(subject));
    const link = linkIn(collective);
    assert.match(link.subject, /^[0-9a-f]{32}$/);

    const wrong = await world.confirm(confirmDocument({ ...link, deviceCode: 'BBBB-BBBB' }));
    assert.equal(wrong.error?.error, 'wrong_proof');
    // A proof is right for its own answer only: who has seen one can make no other of it.
    const { _id, ...right } = confirmDocument({ ...link, deviceCode });
    const turned = await world.confirm(withConfirmId({ ...right, answer: YES_ALONE }));
    assert.equal(turned.error?.error, 'wrong_proof');
    const notMe = await world.confirm(confirmDocument({ ...link, answer: NOT_ME }));
    assert.equal(notMe.error?.error, 'ambiguous');
    assert.equal((await world.confirm(confirmDocument({ ...link, deviceCode }))).state, 'used');
    await own.waitFor('active');
    for (const device of flood) assert.equal((await device.read()).state, 'confirming');
    const codes = await Promise.all(flood.map(async (device) => (await device.read()).device_code));
    assert.equal(new Set([...codes, deviceCode]).size, 13, 'no two pending devices show the same code');
  } finally {
    await world.close();
  }
});

test('a flood of made-up addresses leaves half of the mails to known users, and the rest goes round by domain', async () => {
  const world = await startWorld({ channels_mail: { mail_per_minute: 20 } });
  try {
    const known = await world.activate(world.device('known@example.com'));
    const began = Date.now();
    const toFlood = () => world.mail.mails.filter(({ to }) => to[0].endsWith('flood.example')).length;
    // Half of 20 a minute, of which a quarter may go at once.
    const mostToStrangers = () => 2.5 + 10 * (Date.now() - began) / 60000;
    const flood = Array.from({ length: 60 }, (_, n) => world.device(`made-up-${n}@flood.example`));
    await Promise.all(flood.map((device) => device.register()));
    await waitFor(() => toFlood() > 0, { what: 'the flood\'s first mail' });
    const second = world.device(known.owner);
    await world.register(second);
    const flooded = toFlood();
    assert.ok(flooded <= mostToStrangers(), `${flooded} mails to strangers`);
    assert.equal((await flood[0].read()).state !== 'error', true);

    // One of another domain has his turn beside the sixty.
    const other = world.device('somebody@other.example');
    await other.register();
    await world.mail.next({ to: other.owner, timeout: 300000 });
    const all = toFlood() + 1;
    assert.ok(all <= mostToStrangers(), `${all} mails to strangers`);
    assert.ok(all < flood.length / 2, 'nowhere near its end');
  } finally {
    await world.close();
  }
});

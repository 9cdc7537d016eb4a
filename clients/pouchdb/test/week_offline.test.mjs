// A device that was away while 10,000 documents changed, on a real server with the daemon.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorld } from '../../../tests/lib/world.mjs';
import { assertSame, closeAll, hasChannel, newDevice } from './people.mjs';

let world, phone, tablet;
before(async () => {
  world = await startWorld();
  phone = await newDevice(world, 'dora@example.com', "Dora's phone");
  tablet = await newDevice(world, 'dora@example.com', "Dora's tablet");
});
after(async () => {
  await closeAll([phone, tablet]);
  await world?.close();
});

test('a week offline: 10,000 documents changed there, some here, some on both sides', async () => {
  const diary = phone.channel('Diary');
  const pages = Array.from({ length: 10000 }, (_, n) => ({ _id: `page-${String(n).padStart(5, '0')}`, text: 'first' }));
  await diary.bulkDocs(pages.slice(0, 1000));
  await hasChannel(phone, 'Diary');
  await phone.sync('Diary');
  await hasChannel(tablet, 'Diary');
  await tablet.sync('Diary');
  tablet.cable.unplug();

  const { rows } = await diary.allDocs();
  const revs = new Map(rows.map(({ id, value }) => [id, value.rev]));
  await diary.bulkDocs(pages.map((page) => ({ ...page, ...(revs.has(page._id) ? { _rev: revs.get(page._id) } : {}), text: 'changed at home' })));
  const away = tablet.channel('Diary');
  for (let n = 0; n < 20; n += 1) {
    const page = await away.get(pages[n * 10]._id);
    await away.put({ ...page, text: 'changed on the way' });
    await away.put({ _id: `note-${n}`, text: 'written on the way' });
  }
  await away.remove(await away.get(pages[999]._id));
  await phone.sync('Diary');
  tablet.cable.plug();
  tablet.kick();
  assert.equal(await assertSame(world, 'Diary', [phone, tablet]), 10021);
  const both = await diary.get(pages[0]._id, { conflicts: true });
  assert.equal(both._conflicts.length, 1, 'what both changed is there twice, for the app to settle');
});

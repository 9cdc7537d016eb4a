import { test } from 'node:test';
import assert from 'node:assert/strict';
import { tryOut } from 'couchdb-channels-handlers/harness';
import './handlers.mjs';

test('a new order is accepted', async () => {
  const { doc } = await tryOut({ _id: 'a', type: 'order', state: 'new', items: ['apple', 'pear'] });
  assert.equal(doc.state, 'accepted');
  assert.equal(doc.total, 2);
});

// What an app is told where the directory of public channels does not come.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Cloud } from '../lib/cloud.js';

let server, answer, cloud;
before(async () => {
  server = createServer((request, response) => {
    const { status, type, body } = answer(request);
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  cloud = new Cloud(null, { server: `http://127.0.0.1:${server.address().port}/`, handshake: 'channels-handshake', directory: 'channels-directory', credentials: () => ({ username: 'device-1', password: 'x' }) });
});
after(() => server.close());

const page = (status) => () => ({ status, type: 'text/html', body: `<html><head><title>${status}</title></head></html>` });
const json = (status, body) => () => ({ status, type: 'application/json', body: JSON.stringify(body) });

test('a proxy that does not let the directory through is told from a server that is away, with what to do', async () => {
  for (const status of [403, 404]) {
    answer = page(status);
    await assert.rejects(cloud.readDirectory(), ({ error, reason, status: its }) => error === 'no_directory' && its === status && /let the database "channels-directory" through/.test(reason));
  }
});

test('a portal\'s or a busy proxy\'s page is the network\'s trouble, and CouchDB\'s own word stays', async () => {
  for (const status of [200, 502, 503]) {
    answer = page(status);
    await assert.rejects(cloud.readDirectory(), { error: 'unavailable' });
  }
  answer = json(404, { error: 'not_found', reason: 'Database does not exist.' });
  await assert.rejects(cloud.readDirectory(), ({ error, reason }) => error === 'no_directory' && /no directory of public channels/.test(reason));
  answer = json(200, { rows: [{ id: 'a', doc: { _id: 'a' } }] });
  assert.deepEqual(await cloud.readDirectory(), [{ _id: 'a' }]);
});

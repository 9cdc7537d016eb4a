// The proxy of the tests: a feed ends with the client that read it. Otherwise a daemon that was killed would leave the process that
// started it waiting for feeds of a server that others share.

import { test } from 'node:test';
import { createServer, get } from 'node:http';
import { once } from 'node:events';
import { startProxy } from './proxy.mjs';

async function withFeed(work) {
  let feedEnded;
  const ended = new Promise((resolve) => { feedEnded = resolve; });
  const server = createServer((_, answer) => {
    answer.writeHead(200).write('\n');
    answer.on('close', feedEnded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startProxy(`http://127.0.0.1:${server.address().port}`);
  try {
    const reader = get(`${proxy.url}/_db_updates?feed=continuous`);
    const [reply] = await once(reader, 'response');
    reader.on('error', () => {});
    reply.on('error', () => {});
    await work({ reader, proxy, ended });
  } finally {
    server.closeAllConnections();
    server.close();
    await proxy.close();
  }
}

const soon = (what) => new Promise((_, reject) => { setTimeout(() => reject(new Error(what)), 5000).unref(); });

test('a feed ends at the server when its reader goes', () => withFeed(async ({ reader, ended }) => {
  reader.destroy();
  await Promise.race([ended, soon('the server still sends')]);
}));

test('and when the proxy is closed', () => withFeed(async ({ proxy, ended }) => {
  await proxy.close();
  await Promise.race([ended, soon('the server still sends')]);
}));

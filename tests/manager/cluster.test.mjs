// The manager on a real cluster of three nodes, as docs/operations.md has it ("Several daemons"): no node makes a cookie secret of
// its own, each says what to do, and with the same secret on all there is a daemon at work on each.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connected, needsCluster as skip, startCluster } from '../lib/cluster.mjs';
import { PROGRAM } from '../lib/daemon.mjs';
import { waitFor } from '../lib/net.mjs';
import { iniText } from '../lib/server_process.mjs';
import { channelsIn, erlFlags, managerFolder, oneProcessOf, setSetting } from './installed.mjs';

const SLOW = { timeout: 120000 };
const SECRET = /^secret\s*=.*\n/gm;
let cluster;
const programs = [];

const ownFiles = (server) => ['base.ini', 'local.ini'].map((name) => join(server.dir, 'etc', name));

before(async () => {
  if (skip) return;
  cluster = await startCluster({ config: { log: { level: 'info' } } });
  // Joined, they get the package, and the line; a secret they never had.
  await Promise.all(cluster.nodes.map((server) => server.stop()));
  for (const server of cluster.nodes) {
    for (const file of ownFiles(server)) writeFileSync(file, readFileSync(file, 'utf8').replace(SECRET, ''));
    programs.push(channelsIn(server.dir));
    const [base] = ownFiles(server);
    writeFileSync(base, `${readFileSync(base, 'utf8')}\n${iniText({ os_daemons: { channels: programs.at(-1) } })}`);
    server.env = { ERL_FLAGS: erlFlags(managerFolder()) };
  }
  await Promise.all(cluster.nodes.map((server) => server.start()));
  await connected(cluster.nodes);
});
after(() => cluster?.close());

const said = (server, pattern) => waitFor(() => pattern.test(server.outputText()), { ...SLOW, what: `${pattern} in the log of ${server.url}` })
  .catch((error) => { throw new Error(`${error.message}\n${server.outputText().slice(-4000)}`); });

test('no secret is made on any node; manager and daemon say on each what to do', { skip }, async () => {
  for (const server of cluster.nodes) {
    await said(server, /\[chttpd_auth\] secret is not set, and on a cluster none is made: set the same on every node/);
    await said(server, /couchdb-channels cannot start: \[chttpd_auth\] secret is not set: .* the same on every node of a cluster/);
    assert.equal((await server.request('/_node/_local/_config/chttpd_auth/secret')).status, 404);
    for (const file of ownFiles(server)) assert.doesNotMatch(readFileSync(file, 'utf8'), SECRET);
  }
});

test('with the same secret on all, a daemon is at work on each', { skip }, async () => {
  for (const server of cluster.nodes) assert.equal((await setSetting(server, 'chttpd_auth', 'secret', '00112233445566778899aabbccddeeff')).status, 200);
  for (const [n, server] of cluster.nodes.entries()) {
    await said(server, / ready: /);
    await oneProcessOf(programs[n]);
  }
  const args = ['status', ...cluster.nodes[0].iniFiles.flatMap((file) => ['--ini', file])];
  await waitFor(async () => (await promisify(execFile)(PROGRAM, args).catch((failure) => failure)).stdout.match(/^worker .*$/gm)?.length === 3, { ...SLOW, what: 'three workers' });
});

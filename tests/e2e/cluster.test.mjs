// A real cluster of three nodes with a daemon for each, as docs/operations.md says ("Several daemons"): a device goes through the
// loop, doctor and status say of each node what is so, and of a cluster's faults each has its line.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connected, needsCluster as skip, nodeName, startCluster } from '../lib/cluster.mjs';
import { PROGRAM, startDaemon } from '../lib/daemon.mjs';
import { Device, confirm, confirmDocument } from '../lib/device.mjs';
import { linkIn, startMailSink } from '../lib/mail_sink.mjs';
import { waitFor } from '../lib/net.mjs';
import { startProxy } from '../lib/proxy.mjs';

// The confirmation page knows the handshake by this name.
const NAMES = { handshake_db: 'channels-handshake', registry_db: 'channels-registry', control_prefix: 'control-', channel_prefix: 'channel-' };
const SLOW = { timeout: 120000 };

let cluster;
let proxy;  // before the first node, which stays
let mail;
const daemons = [];

before(async () => {
  if (skip) return;
  cluster = await startCluster({ config: { fabric: { changes_duration: '60000' }, chttpd_auth: { upgrade_hash_on_auth: 'false' } } });
  proxy = await startProxy(cluster.nodes[0].url);
  mail = await startMailSink();
  for (const server of cluster.nodes) {
    daemons.push(await startDaemon({ server, mail, names: NAMES, channels: { public_url: `${proxy.url}/` }, ready: false }));
  }
  for (const daemon of daemons) await daemon.waitUntilReady();
});
after(async () => {
  for (const daemon of daemons) await daemon.stop();
  await proxy?.close();
  await cluster?.close();
  await mail?.close();
});

/** What an operator's call prints on the machine of a node, counted from 0. */
async function call(node, ...args) {
  const ini = daemons[node].iniFiles().flatMap((file) => ['--ini', file]);
  return (await promisify(execFile)(PROGRAM, [...args, ...ini]).catch((failure) => failure)).stdout;
}

async function doctor(node) {
  const { checks } = JSON.parse(await call(node, 'doctor', '--json'));
  const named = (result) => Object.fromEntries(checks.filter((check) => check.result === result).map(({ name, found }) => [name, found]));
  return { faults: named('fault'), oks: named('ok') };
}

/** What the first node's doctor finds, as soon as it finds a fault of that name. */
const whenFaulty = (name) => waitFor(async () => {
  const found = await doctor(0);
  return found.faults[name] && found;
}, { ...SLOW, what: `a fault of ${name}` });

const setting = (server, path, value) => server.request(`/_node/_local/_config/${path}`, { method: 'PUT', body: JSON.stringify(value) });

/** A device that has registered; the loop's rest is rest(). */
async function registered(owner) {
  const device = new Device({ handshake: `${proxy.url}/channels-handshake`, owner });
  const { status } = await device.register();
  assert.ok(status === 201 || status === 202, `${status}`);
  return device;
}

async function rest(device) {
  const link = linkIn(await mail.next({ to: device.owner, ...SLOW }));
  const { device_code: deviceCode } = await device.waitFor('confirming', SLOW);
  await confirm(device.handshake, confirmDocument({ ...link, deviceCode }));
  return device.waitFor('active', SLOW);
}

test('a device goes through the loop, and by its log-in it reads on each node', { skip }, async () => {
  const device = await registered('alice@example.com');
  const { control_database: control } = await rest(device);
  for (const { url } of cluster.nodes) {
    await waitFor(async () => (await device.request(`${url}/${control}/${device.id}`)).body.state === 'active', { ...SLOW, what: `the device on ${url}` });
  }
  assert.equal(mail.to('alice@example.com').length, 1);
});

test('doctor finds no fault on any node, and status three workers', { skip }, async () => {
  for (const [node, { faults, oks }] of (await Promise.all(cluster.nodes.map((_, node) => doctor(node)))).entries()) {
    assert.deepEqual(faults, {}, `node ${node + 1}`);
    assert.equal(oks.nodes, '3 are checked');
    assert.equal(oks.quorum, '3 of 3 copies of channels-registry answer');
    assert.match(oks.daemon, /^3 at work: /);
  }
  assert.equal((await call(0, 'status')).match(/^worker /gm).length, 3);
});

test('a node with another secret, and one with none', { skip }, async () => {
  const [, two, three] = cluster.nodes;
  await setting(two, 'chttpd_auth/secret', '00112233445566778899aabbccddeeff');
  await setting(three, 'chttpd_auth/secret', '');
  const { faults } = await doctor(0);
  for (const server of [two, three]) await setting(server, 'chttpd_auth/secret', server.secret);
  assert.equal(faults.secret, `the cookie secret is not the same on all nodes: ${nodeName(2)} has another than ${nodeName(1)}, ${nodeName(3)} has none`);
});

test('databases that were made with fewer copies, as before the nodes were joined, are named', { skip }, async () => {
  const [one] = cluster.nodes;
  const replaced = (query) => waitFor(async () => {  // a daemon could be there first
    await one.request('/_replicator', { method: 'DELETE' });
    return (await one.request(`/_replicator${query}`, { method: 'PUT' })).status < 300;
  }, { ...SLOW, what: 'another _replicator' });
  await replaced('?n=1');
  const { faults } = await doctor(0);
  await replaced('');
  assert.match(faults.copies, /^fewer than the 3 of this cluster: _replicator\. /);
});

// Followed, as they are named like users'.
const BUSY = Array.from({ length: 12 }, (_, n) => `control-busy-${n}`);

/** The number that begins each database's update_seq, by the copy that happens to answer. */
async function counts() {
  const { body } = await cluster.nodes[0].request('/_dbs_info', { method: 'POST', body: { keys: BUSY } });
  return body.map(({ info }) => Number(info.update_seq.split('-')[0]));
}

/** One document, written often. */
async function write(name, times) {
  for (let rev; times > 0; --times) {
    const { body } = await cluster.nodes[0].request(`/${name}/often`, { method: 'PUT', body: { _rev: rev, times } });
    rev = body.rev;
  }
}

test('one node is down: it is named, and devices register as before', { skip }, async () => {
  for (const name of BUSY) await cluster.nodes[0].request(`/${name}`, { method: 'PUT' });
  await cluster.nodes[2].kill();
  await Promise.all(BUSY.map((name) => write(name, 10)));
  const { faults, oks } = await whenFaulty('nodes');
  assert.equal(faults.nodes, `${nodeName(3)} is not connected, and so neither checked nor at work`);
  assert.deepEqual(Object.keys(faults), ['nodes']);
  assert.equal(oks.quorum, '2 of 3 copies of channels-registry answer');
  await rest(await registered('bob@example.com'));
  assert.equal(mail.to('bob@example.com').length, 1);
});

test('quorum lost: doctor and status say so, no mail is sent, and with the second node it goes on', { skip }, async () => {
  await cluster.nodes[1].kill();
  assert.equal((await whenFaulty('quorum')).faults.quorum,
    '1 of 3 copies of channels-registry answer, and it takes 2: no mail is sent, no other unsafe handler runs, no device and no channel is made');
  const device = await registered('carol@example.com');
  await waitFor(async () => /below quorum: no unsafe run starts/.test(await call(0, 'status')), { ...SLOW, what: 'status below quorum' });
  assert.equal(mail.to('carol@example.com').length, 0);
  await cluster.nodes[1].start();
  await connected(cluster.nodes.slice(0, 2));
  await rest(device);
  assert.equal(mail.to('carol@example.com').length, 1);
  assert.equal((await doctor(0)).oks.quorum, '2 of 3 copies of channels-registry answer');
});

test('a node that was down has counted fewer updates: its copies are not taken for a backup put back again and again', { skip }, async () => {
  await cluster.nodes[2].start();
  await connected(cluster.nodes);
  const most = Math.max(...await counts());
  await waitFor(async () => (await counts()).some((count) => count < most), { ...SLOW, what: 'a copy with a lower number' });
  const rounds = async () => JSON.parse(await call(0, 'status', '--json')).workers.filter(({ alive }) => alive).map(({ place, status }) => [place, status.sweep.rounds]);
  const before = new Map(await rounds());
  await waitFor(async () => (await rounds()).every(([place, count]) => count >= (before.get(place) ?? 0) + 3), { ...SLOW, what: 'the sweep going round' });
  // Once it may be believed, and not each time: three rounds and more have gone by.
  for (const daemon of daemons) {
    for (const name of BUSY) assert.ok(daemon.output.split(`${name} is an older copy`).length - 1 <= 2, daemon.output);
  }
});

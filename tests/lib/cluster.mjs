// A cluster of CouchDB nodes on this machine, each a server like that of startCouch({ own: true }), joined, with a secret, an
// admin and a uuid in common.
//
//   const cluster = await startCluster();   // null where no CouchDB is under COUCHDB_HOME: see needsCluster
//   const [one, two, three] = cluster.nodes;
//   await two.kill();
//   await cluster.close();
//
// Without epmd: node N listens on 127.0.0.N, all on the same port, so that a name says where its node is.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OwnServer, serverKind } from './couch_server.mjs';
import { freePort, waitFor } from './net.mjs';
import { couchdbServer, launchNode } from './server_process.mjs';

const START_MS = 120000;
const SYSTEM_DATABASES = ['_users', '_replicator', '_global_changes'];

/** Why there can be none here; false if there can. */
export const needsCluster = serverKind({ own: true }) === 'couchdb' ? false : 'needs a CouchDB under COUCHDB_HOME';

export const nodeName = (number) => `node${number}@127.0.0.${number}`;

/** A node of it in place of a single one: `number` from 1. */
function clusterNode(number, { port, cookie, uuid, nodes }) {
  return {
    kind: 'couchdb',

    async layOut(server, { config }) {
      const common = { couchdb: { single_node: undefined, uuid }, cluster: { n: nodes, q: 2 }, dreyfus: { name: 'clouseau@127.0.0.200' } };
      await couchdbServer.layOut(server, { config: { ...common, ...config } });
      const file = join(server.dir, 'etc/vm.args');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^-name .*$/m, `-name ${nodeName(number)}`).replace(/^-setcookie .*$/m, `-setcookie ${cookie}`)
        .replace(/^-erl_epmd_port .*$/m, `-erl_epmd_port ${port}`).replace(/\{127,0,0,1\}/, `{127,0,0,${number}}`));
    },

    launch: launchNode,
  };
}

/** `config` as for startCouch(), for every node alike. */
export async function startCluster({ nodes: count = 3, config = {} } = {}) {
  const common = { port: await freePort(), cookie: randomBytes(8).toString('hex'), uuid: randomBytes(16).toString('hex'), nodes: count };
  const login = { user: 'admin', password: randomBytes(12).toString('hex') };
  const nodes = [];
  const cluster = { nodes, close: () => Promise.all(nodes.map((node) => node.close())) };
  try {
    for (let number = 1; number <= count; ++number) {
      const node = new OwnServer(clusterNode(number, common), { ...login, port: await freePort() });
      node.layOutPages();
      // A hash that one node makes of the same password would have a salt of its own: no cookie would count on another.
      if (number > 1) Object.assign(node, { secret: nodes[0].secret, hashedAdmin: nodes[0].hashedAdmin });
      await node.form.layOut(node, { config });
      nodes.push(node);
    }
    await Promise.all(nodes.map((node) => node.start()));
    await joinNodes(nodes);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function joinNodes(nodes) {
  const [first] = nodes;
  for (let number = 2; number <= nodes.length; ++number) {
    await first.request(`/_node/_local/_nodes/${nodeName(number)}`, { method: 'PUT', body: {} });
  }
  await connected(nodes);
  await first.request('/_cluster_setup', { method: 'POST', body: { action: 'finish_cluster', ensure_dbs_exist: SYSTEM_DATABASES } });
  for (const node of nodes) {
    for (const name of SYSTEM_DATABASES) {
      await waitFor(async () => (await node.request(`/${name}`)).status === 200, { timeout: START_MS, what: `${name} on ${node.url}` });
    }
    await node.describe();
  }
}

/** Until each of these nodes is connected with all others of them. */
export function connected(nodes) {
  return waitFor(async () => {
    const views = await Promise.all(nodes.map((node) => node.request('/_membership')));
    return views.every(({ body }) => body.all_nodes.length >= nodes.length);
  }, { timeout: START_MS, what: 'the nodes being connected' });
}

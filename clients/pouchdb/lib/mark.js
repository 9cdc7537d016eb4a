// What a device says of itself, for whoever is asked "why isn't my phone in sync?" (`couchdb-channels why`): CouchDB notes neither who
// logged in, nor whose a replication's checkpoint is, nor what a validation refused. One _local document of the control
// database in the cloud, which replicates nowhere, wakes nobody, and which only the user's own devices can read:
//
//   {"_id": "_local/channels-device-<id>", "device", "time", "rotation", "channels": {"<channel id>, '' for the control database":
//    {"time", "pulled": <seq of the cloud's database>[, "trouble"][, "denied": {"count", "id", "reason", "time"}]}}}
//
// Times are by this device's clock. Written once a minute at most, and once an hour if there is nothing to say.

import { later } from './timing.js';

const LEAST_MS = 60000;
const MOST_MS = 3600000;
const SOON_MS = 2000;      // a device may be open for some seconds only
const LONGEST_REASON = 200;
const MOST_REFUSED = 1000;

const now = () => new Date().toISOString();

export class Mark {
  #cloud;
  #store;
  #least;
  #channels = {};
  #refused = new Set();  // "channel id" of documents that are counted
  #left = new Set();  // channels that are not followed any longer
  #rev;               // undefined: not looked at yet
  #up = false;
  #timer = null;
  #writtenAt = 0;
  #ended = false;
  #hourly;

  constructor(cloud, store, { least = LEAST_MS } = {}) {
    this.#cloud = cloud;
    this.#store = store;
    this.#least = least;
    this.#hourly = setInterval(() => Date.now() - this.#writtenAt >= MOST_MS && this.#soon(), LEAST_MS);
    this.#hourly.unref?.();
  }

  setUp(up) {
    this.#up = up;
    if (up) this.#soon();
  }

  /** Everything up to that sequence is here, and what was written here is there. */
  reached(channel, pulled) {
    const before = this.#channels[channel];
    if (pulled === null || (before?.pulled === pulled && !before.trouble)) return;
    this.#note(channel, { pulled, time: now(), trouble: undefined });
  }

  trouble(channel, { reason }) {
    this.#note(channel, { trouble: cut(reason), time: now() });
  }

  /** Two replications of a channel may both be refused the same document: it counts once. */
  denied(channel, { id, reason }) {
    const known = this.#refused.has(`${channel} ${id}`);
    if (this.#refused.size < MOST_REFUSED) this.#refused.add(`${channel} ${id}`);
    const count = (this.#channels[channel]?.denied?.count ?? 0) + (known ? 0 : 1);
    this.#note(channel, { denied: { count, id: cut(id), reason: cut(reason), time: now() } });
  }

  leave(channel) {
    delete this.#channels[channel];
    this.#left.add(channel);
    this.#soon();
  }

  end() {
    this.#ended = true;
    clearInterval(this.#hourly);
    clearTimeout(this.#timer);
  }

  #note(channel, changes) {
    this.#left.delete(channel);
    this.#channels[channel] = { ...this.#channels[channel], ...changes };
    this.#soon();
  }

  #soon() {
    if (this.#timer || !this.#up || this.#ended) return;
    this.#timer = later(Math.max(SOON_MS, this.#writtenAt + this.#least - Date.now()), () => {
      this.#timer = null;
      // It is for people who look for trouble: without it sync works all the same.
      this.#write().catch(() => { this.#rev = undefined; });
    });
  }

  async #write() {
    if (!this.#up || this.#ended) return;
    this.#writtenAt = Date.now();
    const { id, control, username, secret, rotation = 0 } = this.#store.record;
    const path = `${control.slice(this.#cloud.server.length)}/_local/channels-device-${id}`;
    const auth = { username, password: secret };
    if (this.#rev === undefined) this.#goOnFrom(await this.#cloud.request(path, { auth }));
    const body = { device: id, time: now(), rotation, channels: this.#channels, ...(this.#rev ? { _rev: this.#rev } : {}) };
    const { status, body: { rev } } = await this.#cloud.request(path, { method: 'PUT', body, auth });
    this.#rev = status === 201 || status === 202 ? rev : undefined;
    if (status === 409) this.#soon();
  }

  /** What it said before it was opened anew: refused writes are told by the replication once. */
  #goOnFrom({ status, body }) {
    this.#rev = status === 200 ? body._rev : '';
    if (status !== 200 || typeof body.channels !== 'object' || body.channels === null) return;
    for (const [channel, before] of Object.entries(body.channels)) {
      if (!this.#left.has(channel)) this.#channels[channel] = { ...before, ...this.#channels[channel] };
    }
  }
}

const cut = (text) => String(text ?? '').slice(0, LONGEST_REASON);

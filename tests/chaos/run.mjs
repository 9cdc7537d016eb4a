// One run, from the first daemon to the verdict:
//   1. a quiet part: some devices, no faults
//   2. faults by plan, while the other devices arrive
//   3. the finale (finale.mjs), when all is settled or `finaleAt` seconds after the faults began
//   4. all daemons up: what is not done `settle` seconds later is stuck
//   5. the verdict

import { setTimeout as sleep } from 'node:timers/promises';
import { startCouch, waitFor } from '../lib/couch_server.mjs';
import { Crowd } from './crowd.mjs';
import { histories, wrongDatabases, wrongStatus } from './ends.mjs';
import { runFaults } from './faults.mjs';
import { finale } from './finale.mjs';
import { startFleet } from './fleet.mjs';
import { judgeMails } from './mails.mjs';
import { Watch } from './watch.mjs';

const TAKEOVER_MAX = 30;  // seconds; 15 are meant, the machine may be busy

/** The server must be one that can be killed: own. */
export async function runChaos(options) {
  const server = await startCouch({ own: true, config: { couchdb: { max_dbs_open: 5000 } } });
  try {
    const fleet = await startFleet(server);
    try {
      return await new Run(server, fleet, options).all();
    } finally {
      await fleet.close();
    }
  } finally {
    await server.close();
  }
}

class Run {
  constructor(server, fleet, options) {
    Object.assign(this, { server, fleet, options, began: Date.now() });
    this.watch = new Watch(server, fleet.names.handshake_db);
    this.crowd = new Crowd({ fleet, watch: this.watch });
    this.figures = { server: server.name };
    this.wrong = [];
  }

  say(text) {
    this.options.say(`${((Date.now() - this.began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  }

  async all() {
    try {
      await this.quiet();
      await this.faulty();
      await this.settled();
      await this.verdict();
    } finally {
      this.crowd.until = 0;  // whoever still waits gives up
      await this.watch.stop();
    }
    await this.fleet.end();
    this.wrong.push(...this.fleet.troubles);
    this.figures.seconds = Math.round((Date.now() - this.began) / 1000);
    return { figures: this.figures, wrong: this.wrong, output: this.fleet.output() };
  }

  async quiet() {
    const { devices, seconds } = this.options.quiet;
    this.crowd.until = Date.now() + (seconds + this.options.settle) * 1000;
    await this.crowd.arrive(devices, seconds);
    this.crowd.until = Infinity;
    await this.noticesCame();
    const { mails, repeats, wrong } = judgeMails({ copies: this.fleet.post.copies, events: [], devices: this.crowd.devices });
    this.wrong.push(...wrong.map((text) => `without faults: ${text}`));
    this.figures.quiet = { devices, mails, repeats: repeats.length };
    this.say(`without faults: ${devices} devices, ${mails} mails, ${repeats.length} repeats`);
  }

  async faulty() {
    const { fleet, server, crowd, options } = this;
    const say = (text) => this.say(text);
    const arrivals = crowd.arrive(options.devices, options.seconds);
    const faults = runFaults({ fleet, server, plan: options.plan, say });
    const early = options.finaleAt ? sleep(options.finaleAt * 1000).then(() => finale({ fleet, crowd, say })) : null;
    await faults;
    say('no more faults');
    await fleet.allReady();
    const calm = Date.now();
    crowd.until = calm + options.settle * 1000;
    await arrivals;
    this.figures.settledAfter = Math.max(0, ...crowd.devices.map(({ done }) => done ?? 0)) - calm;
    say(`${crowd.devices.filter(({ done }) => done).length} of ${crowd.devices.length} devices are done`);
    this.noteFinale(await (early ?? this.lateFinale(say)));
  }

  lateFinale(say) {
    this.crowd.until = Date.now() + this.options.settle * 1000;
    return finale({ fleet: this.fleet, crowd: this.crowd, say });
  }

  noteFinale({ seconds, wrong }) {
    const slowest = Math.max(0, ...seconds);
    this.figures.takeover = { databases: seconds.length, max: slowest, over3s: seconds.filter((each) => each > 3).length };
    this.wrong.push(...wrong);
    if (seconds.length === 0) this.wrong.push('nobody was there whose database could be taken over');
    if (slowest > TAKEOVER_MAX) this.wrong.push(`a dead worker's database was handled after ${slowest.toFixed(1)} s`);
  }

  async settled() {
    await this.fleet.allReady();
    await this.noticesCame();
  }

  /** A person's further devices are told by mail after they are active: waits for the last of these. */
  noticesCame() {
    const { devices } = this.crowd;
    const expected = devices.filter((device) => devices.find(({ owner }) => owner === device.owner) !== device && device.activated);
    const came = () => expected.every(({ owner }) => this.fleet.post.noticesTo(owner) > 0);
    // What does not come is found by the verdict.
    return waitFor(came, { timeout: this.options.settle * 1000, interval: 200 }).catch(() => {});
  }

  async verdict() {
    const { fleet, crowd: { devices }, server, watch } = this;
    const { post, events } = fleet;
    const judged = judgeMails({ copies: post.copies, events, devices });
    const stuck = devices.filter((device) => device.stuck).map((device) => `stuck: ${device.stuck}`);
    const done = devices.filter((device) => device.done);
    const subjects = done.flatMap((device) => [
      { database: fleet.names.handshake_db, id: device.id },
      { database: device.control.split('/').pop(), id: device.channel },
    ]);
    const { looked, wrong } = await histories(server, subjects);
    const users = new Set(done.map(({ user }) => user)).size;
    const channels = done.reduce((sum, { channels: own = 1 }) => sum + own, 0);
    this.wrong.push(...judged.wrong, ...stuck, ...watch.wentBack, ...wrong);
    if (stuck.length === 0) this.wrong.push(...await wrongDatabases(server, fleet.names, { users, channels }));
    this.wrong.push(...await wrongStatus(fleet.members[0].daemon, fleet.members.length));
    this.noteFigures(judged, { done, users, channels, looked });
  }

  noteFigures({ mails, repeats, excuses }, { done, users, channels, looked }) {
    const count = (kind, aimed) => this.fleet.events.filter((event) => event.kind === kind && (!aimed || event.aimed)).length;
    const kinds = ['kill', 'pause', 'blink', 'server'];
    Object.assign(this.figures, {
      devices: this.crowd.devices.length, done: done.length, users, channels, mails, copies: this.fleet.post.copies.length,
      repeats: repeats.length, excuses,
      events: Object.fromEntries(kinds.map((kind) => [kind, count(kind)])),
      aimed: Object.fromEntries(kinds.map((kind) => [kind, count(kind, true)])),
      revisions: looked,
    });
  }
}

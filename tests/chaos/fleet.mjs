// Three daemons on one registry, and what is done to them. Keeps a record of it (`events`, with wall times), by which
// mails.mjs judges repeats, and of every daemon that ended without being told to.

import { rmSync } from 'node:fs';
import { newNames, startDaemon } from '../lib/daemon.mjs';
import { startMailSink } from '../lib/mail_sink.mjs';
import { waitFor } from '../lib/net.mjs';
import { LEASE } from './plan.mjs';
import { Post } from './post.mjs';

const COUNT = 3;
const END_MS = 60000;
const BUGS = /couchdb-channels: bug:|terminate called|Sanitizer|runtime error/;

export async function startFleet(server) {
  const fleet = new Fleet(server);
  for (let number = 0; number < COUNT; number += 1) await fleet.add(number);
  return fleet;
}

class Fleet {
  post = new Post();
  events = [];   // {kind, daemon, from, to, aimed}
  troubles = []; // sentences about daemons that crashed
  members = [];  // {daemon, sink, state: "up", "paused" or "down"}
  names = newNames();

  constructor(server) {
    this.server = server;
  }

  async add(number) {
    const sink = await startMailSink();
    this.post.collect(sink, number);
    const daemon = await startDaemon({
      server: this.server, mail: sink, names: this.names, channels: { lease: LEASE },
      channels_mail: { mail_per_address: 1000, mail_per_minute: 100000 },
    });
    this.members.push({ daemon, sink, state: 'up' });
    this.#watchEnd(number);
  }

  #watchEnd(number) {
    const member = this.members[number];
    member.daemon.exited.then(({ code, signal }) => {
      if (member.state !== 'down') this.troubles.push(`daemon ${number} ended by itself (code ${code}, signal ${signal})`);
    });
  }

  get handshake() {
    return this.members[0].daemon.handshake;
  }

  isUp(number) {
    return this.members[number].state === 'up';
  }

  /** One of those that are up. */
  pick(chance) {
    const up = this.members.map((_, number) => number).filter((number) => this.isUp(number));
    return up[Math.floor(chance * up.length)];
  }

  /** kill -9, in this very moment. Answers the event, whose `to` is open until revive(). */
  kill(number, more = {}) {
    return this.#strike(number, 'SIGKILL', 'down', { kind: 'kill', ...more });
  }

  /** SIGSTOP, in this very moment. */
  stop(number, kind, more = {}) {
    return this.#strike(number, 'SIGSTOP', 'paused', { kind, ...more });
  }

  #strike(number, signal, state, about) {
    const member = this.members[number];
    member.state = state;
    const event = { daemon: number, from: Date.now(), to: Infinity, ...about };
    member.daemon.child.kill(signal);
    this.events.push(event);
    return event;
  }

  /** Ends what an event of kill() or stop() began: starts the daemon anew, or lets it go on. */
  async revive(event) {
    const member = this.members[event.daemon];
    if (event.kind === 'kill') {
      await member.daemon.exited;
      member.daemon.start();
      this.#watchEnd(event.daemon);
    } else {
      member.daemon.child.kill('SIGCONT');
    }
    member.state = 'up';
    event.to = Date.now();
  }

  /** All but those that are dead now: an early finale leaves its victim so. */
  async allReady() {
    for (const { daemon, state } of this.members) {
      if (state !== 'down') await daemon.waitUntilReady();
    }
  }

  /** In good order; what does not end so is a trouble. */
  async end() {
    for (const [number, member] of this.members.entries()) {
      member.state = 'down';
      const ended = member.daemon.stop();
      const late = setTimeout(() => member.daemon.child.kill('SIGKILL'), END_MS);
      const { code, signal } = await ended;
      clearTimeout(late);
      if (code !== 0) this.troubles.push(`daemon ${number}, told to end, ended with code ${code}, signal ${signal}`);
    }
    for (const [number, { daemon }] of this.members.entries()) {
      const line = daemon.output.split('\n').find((text) => BUGS.test(text));
      if (line) this.troubles.push(`daemon ${number} says: ${line}`);
    }
  }

  /** Whatever state all is in. */
  async close() {
    for (const member of this.members) {
      member.state = 'down';
      member.daemon.child.kill('SIGKILL');
      await member.daemon.exited;
      rmSync(member.daemon.folder, { recursive: true, force: true });
      await member.sink.close();
    }
  }

  output() {
    return this.members.map(({ daemon }, number) => daemon.output.replace(/^(?=.)/gm, `daemon ${number}: `)).join('\n');
  }
}

/** Waits until the server takes requests again. */
export function serverUp(server) {
  return waitFor(async () => (await server.request('/_up', { timeout: 2000 })).status === 200, { timeout: 60000, what: 'the server being up' });
}

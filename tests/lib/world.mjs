// A server, a mail server and the daemon, with what most end to end tests do on them:
//   const world = await startWorld({ channels: { confirm_ttl: 3 } });
//   const phone = await world.activate(world.device('alice@example.com'));
//   await world.close();

import { randomBytes } from 'node:crypto';
import { startCouch } from './couch_server.mjs';
import { startDaemon } from './daemon.mjs';
import { Device, YES, confirm, confirmDocument } from './device.mjs';
import { LINK, linkIn, startMailSink } from './mail_sink.mjs';
import { basicAuth, request, waitFor } from './net.mjs';
import { startProxy } from './proxy.mjs';

/** With `proxied` the daemon reaches the server through `world.proxy`, and devices as they always do. */
export async function startWorld({ own = false, config, proxied = false, channels, ...options } = {}) {
  const server = await startCouch({ own, config });
  const mail = await startMailSink();
  const proxy = proxied ? await startProxy(server.url) : null;
  try {
    const between = proxy ? { url: proxy.url, public_url: `${server.url}/` } : {};
    const daemon = await startDaemon({ server, mail, channels: { ...between, ...channels }, ...options });
    return Object.assign(new World(server, mail, daemon), { proxy });
  } catch (error) {
    await mail.close();
    await proxy?.close();
    await server.close();
    throw error;
  }
}

export class World {
  constructor(server, mail, daemon) {
    Object.assign(this, { server, mail, daemon, handshake: daemon.handshake });
  }

  device(owner, more = {}) {
    return new Device({ handshake: this.handshake, owner, name: 'a phone', ...more });
  }

  /** Registers it and waits for its mail (to `device.mailbox`, if that is not spelled like the owner); adds `link` and `deviceCode` to the device. */
  async register(device) {
    const { status, text } = await device.register();
    if (status !== 201) throw new Error(`register: ${status} ${text}`);
    const mail = await this.mail.next({ to: device.mailbox ?? device.owner, text: LINK });
    device.mail = mail;
    device.link = linkIn(mail);
    device.deviceCode = (await device.waitFor('confirming')).device_code;
    return device;
  }

  /** The confirm document that this device's person would write. */
  confirmOf(device, answer = YES) {
    return confirmDocument({ ...device.link, answer, deviceCode: device.deviceCode });
  }

  confirm(doc) {
    return confirm(this.handshake, doc);
  }

  /** Through the whole loop; adds `control` (the URL of its control database) and `user`. */
  async activate(device, answer = YES) {
    if (!device.link) await this.register(device);
    const answered = await this.confirm(this.confirmOf(device, answer));
    if (answered.state !== 'used') throw new Error(`confirm: ${JSON.stringify(answered)}`);
    const active = await device.waitFor('active');
    device.control = active.syncpoint;
    device.user = active.user;
    return device;
  }

  /** Writes a document as the device into its control database; gives the answer. */
  put(device, doc) {
    return device.request(`${device.control}/${doc._id}`, { method: 'PUT', body: doc });
  }

  async get(device, id) {
    const { status, body } = await device.request(`${device.control}/${id}`);
    return status === 200 ? body : null;
  }

  /** Waits until `when(document)` holds in the device's control database. */
  seen(device, id, when, options) {
    return waitFor(async () => {
      const doc = await this.get(device, id);
      return doc && when(doc) && doc;
    }, { what: `${id} in the control database`, ...options });
  }

  /** A new channel, as far as `ready` or `error`. */
  async makeChannel(device, fields = {}) {
    const { _id = newChannelId(), ...rest } = fields;
    const doc = { _id, type: 'channel', state: 'new', name: `channel ${_id}`, ...rest };
    const { status, text } = await this.put(device, doc);
    if (status !== 201) throw new Error(`channel: ${status} ${text}`);
    return this.seen(device, _id, ({ state }) => state === 'ready' || state === 'error');
  }

  /** As nobody in particular. */
  stranger(path, options) {
    return request(`${this.handshake}${path}`, options);
  }

  /** Until everything that is in the handshake has been handled: nothing changes for a while. */
  async quiet() {
    let last;
    await waitFor(async () => {
      const { body } = await this.daemon.request(`/${this.daemon.names.handshake_db}`);
      const same = body.update_seq === last;
      last = body.update_seq;
      return same;
    }, { interval: 1000, timeout: 60000, what: 'a quiet handshake' });
  }

  async close() {
    await this.daemon.close();
    await this.mail.close();
    await this.proxy?.close();
    await this.server.close();
  }
}

export function newChannelId() {
  return randomBytes(16).toString('hex');
}

export { basicAuth };

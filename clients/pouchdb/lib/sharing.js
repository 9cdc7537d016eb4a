// An app's questions and wishes about who is in a channel: invitations, and changes of members. All of it are documents in
// the control database, so that it waits for the network by itself. Used by device.js.

import { checkAccess, checkAddress } from './checks.js';
import { randomHex } from './credential.js';
import { ChannelsError } from './errors.js';

const ID_BYTES = 16;
const RECEIVED = /^invitation-[0-9a-f]{64}$/;

export class Sharing {
  #crypto;
  #catalog;
  #channels;

  constructor({ crypto, catalog, channels }) {
    this.#crypto = crypto;
    this.#catalog = catalog;
    this.#channels = channels;
  }

  async invite(channel, to, { access = 'writer', locale } = {}) {
    const doc = {
      type: 'invitation', state: 'new', channel: this.#channels.idOf(channel), to: checkAddress(to, '`to` must be an e-mail address.'),
      access: checkAccess(access), ...(locale ? { locale } : {}),
    };
    return this.#make('invitation', doc);
  }

  invitations() {
    return this.#catalog.all('invitation').map((doc) => this.describe(doc));
  }

  describe({ _id: id, state, channel = null, name = null, access = null, from = null, to = null, expires = null, error = null }) {
    const received = RECEIVED.test(id);
    return { id, received, state, channel, name: name ?? this.#catalog.get(channel)?.name ?? null, access, from, to, expires, error };
  }

  answer(id, state) {
    return this.#wish(id, state, { from: 'received', received: true });
  }

  withdraw(id) {
    return this.#wish(id, 'withdraw', { from: 'sent', received: false });
  }

  async #wish(id, state, { from, received }) {
    const known = this.#catalog.get(id);
    if (known?.type !== 'invitation' || RECEIVED.test(id) !== received) throw new ChannelsError('unknown_invitation', `There is no invitation ${id} here that this could be said of.`);
    await this.#catalog.edit(id, (doc) => {
      if (doc.state === from) return { state };
      throw new ChannelsError('too_late', `This invitation is "${doc.state}" already.`);
    });
  }

  members(channel) {
    const { members } = this.#catalog.get(this.#channels.idOf(channel)) ?? {};
    return Array.isArray(members) ? members.map(({ user, access }) => ({ user, access })) : [];
  }

  change(channel, state, more) {
    return this.#make('member', { type: 'member', state, channel: this.#channels.idOf(channel), ...more });
  }

  async #make(kind, doc) {
    const id = `${kind === 'member' ? 'member' : 'to'}-${randomHex(this.#crypto, ID_BYTES)}`;
    await this.#catalog.edit(id, () => ({}), doc);
    return id;
  }
}

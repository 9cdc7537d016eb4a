// An app's questions and wishes about who is in a channel: invitations, links, and changes of members. All of it are documents in
// the control database, so that it waits for the network by itself. Used by device.js.

import { CHANNEL_ID, memberCountIn, shownIn } from './catalog.js';
import { checkAccess, checkAddress, checkLimits, checkName, checkOwnName, checkShown, readLink } from './checks.js';
import { randomHex } from './credential.js';
import { ChannelsError } from './errors.js';

const ID_BYTES = 16;
const CODE_BYTES = 16;
const PREFIX = { invitation: 'to', member: 'member', link: 'link', join: 'join' };
const PROFILE = 'profile';
const RECEIVED = /^invitation-[0-9a-f]{64}$/;

export class Sharing {
  #crypto;
  #catalog;
  #channels;
  #cloud;

  constructor({ crypto, catalog, channels, cloud }) {
    this.#crypto = crypto;
    this.#catalog = catalog;
    this.#channels = channels;
    this.#cloud = cloud;
  }

  /** Of a channel, by name or id, or of a group, by id. */
  #idOf(channel) {
    return this.#catalog.get(channel)?.type === 'group' ? channel : this.#channels.idOf(channel);
  }

  async makeGroup(name) {
    const id = randomHex(this.#crypto, ID_BYTES);
    await this.#catalog.edit(id, () => ({}), { type: 'group', state: 'new', name: checkName(name) });
    return id;
  }

  groups() {
    return this.#catalog.all('group').map((doc) => this.describeGroup(doc));
  }

  describeGroup({ _id: id, state, name = null, access = null, shows, error = null, ...doc }) {
    return { id, name, state, access, members: this.#membersIn(id), memberCount: memberCountIn(doc), shows: shownIn({ access, shows }), error };
  }

  async renameGroup(id, name) {
    this.#knownGroup(id);
    await this.#catalog.edit(id, () => ({ name: checkName(name) }));
  }

  async giveToGroup(channel, group, { access = 'writer' } = {}) {
    return this.change(channel, 'change', { group: this.#knownGroup(group), access: checkAccess(access, ['writer', 'reader']) });
  }

  async takeFromGroup(channel, group) {
    return this.change(channel, 'remove', { group: this.#knownGroup(group) });
  }

  #knownGroup(id) {
    if (this.#catalog.get(id)?.type === 'group') return id;
    throw new ChannelsError('unknown_group', `There is no group ${id} here.`);
  }

  async invite(channel, to, { access = 'writer', locale } = {}) {
    const doc = {
      type: 'invitation', state: 'new', channel: this.#idOf(channel), to: checkAddress(to, '`to` must be an e-mail address.'),
      access: checkAccess(access), ...(locale ? { locale } : {}),
    };
    return this.#make('invitation', doc);
  }

  invitations() {
    return this.#catalog.all('invitation').map((doc) => this.describe(doc));
  }

  describe({ _id: id, state, channel = null, name = null, access = null, shows = null, from = null, to = null, expires = null, error = null }) {
    const received = RECEIVED.test(id);
    return { id, received, state, channel, name: name ?? this.#catalog.get(channel)?.name ?? null, access, shows, from, to, expires, error };
  }

  answer(id, state) {
    return this.#wish(id, state, { from: ['received'], received: true });
  }

  /** Of one that is still `new` too: it waits for the network, or for the hour's limit to pass. */
  withdraw(id) {
    return this.#wish(id, 'withdraw', { from: ['new', 'sent'], received: false });
  }

  async #wish(id, state, { from, received }) {
    const known = this.#catalog.get(id);
    if (known?.type !== 'invitation' || RECEIVED.test(id) !== received) throw new ChannelsError('unknown_invitation', `There is no invitation ${id} here that this could be said of.`);
    await this.#catalog.edit(id, (doc) => {
      if (from.includes(doc.state)) return { state };
      throw new ChannelsError('too_late', `This invitation is "${doc.state}" already.`);
    });
  }

  /** What it gives can be passed on at once: who opens it before the cloud knows it is let in when he tries again. */
  async makeLink(channel, { access = 'writer', uses, days } = {}) {
    const code = randomHex(this.#crypto, CODE_BYTES);
    const id = this.#idOf(channel);
    await this.#make('link', { type: 'link', state: 'new', channel: id, code, access: checkAccess(access, ['writer', 'reader']), ...checkLimits({ uses, days }) });
    return `${id}.${code}`;
  }

  links(channel) {
    const id = this.#idOf(channel);
    return this.#catalog.all('link').filter((doc) => doc.channel === id).map((doc) => this.describeLink(doc));
  }

  describeLink({ state, channel, code, access, uses = null, expires = null, error = null }) {
    return { link: `${channel}.${code}`, state, channel, access, uses, expires, error };
  }

  async closeLink(link) {
    const { channel, code } = readLink(link);
    const known = this.#catalog.all('link').find((doc) => doc.channel === channel && doc.code === code);
    if (!known) throw new ChannelsError('unknown_link', 'This link was made by no device of yours.');
    await this.#catalog.edit(known._id, (doc) => {
      // Of one that is `new` nobody here can tell whether the cloud has it: it is closed there, too.
      if (['new', 'open'].includes(doc.state)) return { state: 'close' };
      throw new ChannelsError('too_late', `This link is "${doc.state}".`);
    });
  }

  async join(link) {
    return this.#make('join', { type: 'join', state: 'new', ...readLink(link) });
  }

  /** Of a listing in the server's directory. */
  async follow(channel) {
    return this.#make('join', { type: 'join', state: 'new', channel });
  }

  /** Only asked, never kept: followers find a channel here, and what is followed is a document like others. */
  async publicChannels() {
    const listings = await this.#cloud.readDirectory();
    return listings.filter(({ _id, type, state }) => CHANNEL_ID.test(_id) && type === 'listing' && state === 'public')
      .map(({ _id: id, name = null }) => ({ id, name }));
  }

  members(channel) {
    return this.#membersIn(this.#idOf(channel));
  }

  #membersIn(id) {
    const { members } = this.#catalog.get(id) ?? {};
    if (!Array.isArray(members)) return [];
    return members.map(({ user, access, name = null, address = null }) => ({ user, access, name, address }));
  }

  /** Of a group that this user isn't in nothing here tells who is: the channel's document names it, and not its people. */
  people(channel) {
    const id = this.#idOf(channel);
    const people = new Map(this.#membersIn(id).map((member) => [member.user, { ...member, groups: [] }]));
    for (const { group, access: its } of this.#catalog.get(id)?.groups ?? []) {
      for (const { user, access: inGroup, name, address } of this.#membersIn(group)) {
        const through = its === 'reader' || inGroup === 'reader' ? 'reader' : 'writer';
        const known = people.get(user) ?? { user, access: through, name, address, groups: [] };
        const access = known.access === 'reader' ? through : known.access;
        people.set(user, { user, access, name: known.name ?? name, address: known.address ?? address, groups: [...known.groups, group] });
      }
    }
    return [...people.values()];
  }

  async show(channel, shows) {
    return this.change(channel, 'show', { shows: checkShown(shows) });
  }

  profile() {
    const { name = null, state = null, error = null } = this.#catalog.get(PROFILE) ?? {};
    return { name: name || null, state, error };
  }

  async setProfile({ name }) {
    const called = checkOwnName(name);
    // What was refused is tried anew.
    await this.#catalog.edit(PROFILE, (doc) => ({ name: called, ...(doc.state === 'error' ? { state: 'new' } : {}) }), { type: 'profile', state: 'new' });
  }

  change(channel, state, more) {
    return this.#make('member', { type: 'member', state, channel: this.#idOf(channel), ...more });
  }

  async #make(kind, doc) {
    const id = `${PREFIX[kind]}-${randomHex(this.#crypto, ID_BYTES)}`;
    await this.#catalog.edit(id, () => ({}), doc);
    return id;
  }
}

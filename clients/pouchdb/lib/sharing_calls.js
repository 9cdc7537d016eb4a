// The calls and events of a device that are about the people in channels; index.d.ts describes them, sharing.js does the work.

import { checkAccess } from './checks.js';
import { Emitter } from './emitter.js';
import { ChannelsError } from './errors.js';

/** Base of Device. */
export class SharingCalls extends Emitter {
  #sharing;
  #ends;
  #describe;
  #checkOpen;

  /** Before any of the calls; `checkOpen` throws when the device was closed. `describe(id)`: a channel, as events show it. */
  shareBy({ sharing, ends, describe }, checkOpen) {
    this.#sharing = sharing;
    this.#ends = ends;
    this.#describe = describe;
    this.#checkOpen = checkOpen;
  }

  async invite(channel, to, options) {
    this.#checkOpen();
    return this.#sharing.invite(channel, to, options);
  }

  invitations() {
    return this.#sharing.invitations();
  }

  async accept(id) {
    this.#checkOpen();
    await this.#sharing.answer(id, 'accept');
  }

  async decline(id) {
    this.#checkOpen();
    await this.#sharing.answer(id, 'decline');
  }

  async withdraw(id) {
    this.#checkOpen();
    await this.#sharing.withdraw(id);
  }

  async makeGroup(name) {
    this.#checkOpen();
    return this.#sharing.makeGroup(name);
  }

  groups() {
    return this.#sharing.groups();
  }

  async renameGroup(group, name) {
    this.#checkOpen();
    await this.#sharing.renameGroup(group, name);
  }

  async giveToGroup(channel, group, options) {
    this.#checkOpen();
    await this.#sharing.giveToGroup(channel, group, options);
  }

  async takeFromGroup(channel, group) {
    this.#checkOpen();
    await this.#sharing.takeFromGroup(channel, group);
  }

  async makeLink(channel, limits) {
    this.#checkOpen();
    return this.#sharing.makeLink(channel, limits);
  }

  links(channel) {
    return this.#sharing.links(channel);
  }

  async closeLink(link) {
    this.#checkOpen();
    await this.#sharing.closeLink(link);
  }

  async join(link) {
    this.#checkOpen();
    await this.#sharing.join(link);
  }

  async follow(channel) {
    this.#checkOpen();
    await this.#sharing.follow(channel);
  }

  async publicChannels() {
    this.#checkOpen();
    return this.#sharing.publicChannels();
  }

  async publish(channel) {
    await this.#change(channel, 'publish', {});
  }

  async unpublish(channel) {
    await this.#change(channel, 'unpublish', {});
  }

  members(channel) {
    return this.#sharing.members(channel);
  }

  people(channel) {
    return this.#sharing.people(channel);
  }

  async showMembers(channel, shows) {
    this.#checkOpen();
    await this.#sharing.show(channel, shows);
  }

  profile() {
    return this.#sharing.profile();
  }

  async setProfile(profile) {
    this.#checkOpen();
    await this.#sharing.setProfile(profile);
  }

  async changeMember(channel, user, access) {
    await this.#change(channel, 'change', { user, access: checkAccess(access) });
  }

  async removeMember(channel, user, { wipe = false } = {}) {
    await this.#change(channel, 'remove', { user, ...(wipe ? { wipe } : {}) });
  }

  async handOver(channel, user, { access = 'writer' } = {}) {
    await this.#change(channel, 'hand over', { user, access: checkAccess(access) });
  }

  async leave(channel) {
    await this.#change(channel, 'leave', {});
  }

  archiveChannel(channel) {
    return this.#end(channel, 'archive');
  }

  reopenChannel(channel) {
    return this.#end(channel, 'reopen');
  }

  deleteChannel(channel) {
    return this.#end(channel, 'delete');
  }

  undeleteChannel(channel) {
    return this.#end(channel, 'undelete');
  }

  async #end(channel, wish) {
    this.#checkOpen();
    await this.#ends.wish(channel, wish);
  }

  async #change(channel, state, more) {
    this.#checkOpen();
    await this.#sharing.change(channel, state, more);
  }

  /** A document of the control database changed. */
  sharingChanged(doc) {
    const end = this.#ends.eventOf(doc);
    if (end) this.emit(end, this.#describe(doc._id));
    if (!['invitation', 'member', 'group', 'profile', 'link', 'join'].includes(doc.type)) return;
    if (doc.type === 'profile') this.emit('profile', this.#sharing.profile());
    if (doc.type === 'group') this.emit('group', this.#sharing.describeGroup(doc));
    if (doc.type === 'invitation') this.emit('invitation', this.#sharing.describe(doc));
    if (doc.type === 'link') this.emit('link', this.#sharing.describeLink(doc));
    if (doc.type === 'join' && doc.state === 'joined') this.emit('joined', { channel: doc.channel });
    if (doc.state === 'error' && doc.error) this.emit('error', new ChannelsError(doc.error.error, doc.error.reason, { channel: doc.channel, document: doc._id }));
  }
}

// What has to be so once all devices are back and everything has settled: each channel's `_security`, every copy in a control database, the
// log-ins' roles and the directory say what the registry's records say. Worked out here anew, from docs/documents.md. Used by sharing_orders.test.mjs.

import { contentOf, contentOfDatabase, request } from './people.mjs';

const EVERYBODY = 'channels:everybody';
const IS_ACCESS = ['owner', 'writer', 'reader'];
const RANK = ['reader', 'writer', 'owner'];
// What a person set, and the daemon has not answered yet.
const PENDING = {
  channel: ['new', 'archive', 'reopen', 'delete', 'undelete'], group: ['new'], invitation: ['new', 'accept', 'decline', 'withdraw'],
  member: ['change', 'remove', 'hand over', 'leave', 'show', 'publish', 'unpublish'], link: ['new', 'close'], join: ['new'], profile: ['new'], device: ['revoke'],
};

export const isPending = ({ type, state }) => PENDING[type]?.includes(state) === true;
const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
const sortedRoles = (roles) => [...new Set(roles)].sort();

/** The registry, the channels' databases and the control databases of those people, read once. */
export class Truth {
  /** `people`: [{user, address, devices, gone: ids of devices that were revoked}]; `directory`: its name. */
  static async read(world, people, directory) {
    const truth = new Truth();
    const { names } = world.daemon;
    const all = async (name) => (await world.daemon.request(`/${name}/_all_docs?include_docs=true&conflicts=true`)).body.rows.map(({ doc }) => doc).filter(Boolean);
    Object.assign(truth, { world, people, names, docs: new Map((await all(names.registry_db)).map((doc) => [doc._id, doc])), listings: await all(directory) });
    truth.controls = new Map();
    for (const { user } of people) truth.controls.set(user, new Map((await all(`${names.control_prefix}${user}`)).map((doc) => [doc._id, doc])));
    return truth;
  }

  get shares() {
    return [...this.docs.values()].filter(({ _id, type }) => _id.startsWith('channel-') && (type === 'channel' || type === 'group'))
      .map((record) => ({ ...record, id: record._id.slice('channel-'.length) }));
  }

  of(type) {
    return this.shares.filter((record) => record.type === type);
  }

  /** By himself: owner, writer, reader, none, or '' where he never was in it. */
  own(record, user) {
    if (!record.members) return record.user === user ? 'owner' : '';
    return record.members[user]?.access ?? '';
  }

  groupsOf(record) {
    return Object.entries(record.groups ?? {}).map(([group, { access }]) => ({ group, access }));
  }

  /** Those that have it now, as its members are shown them. */
  shownGroupsOf(record) {
    return this.groupsOf(record).filter(({ access }) => IS_ACCESS.includes(access))
      .map((entry) => ({ ...entry, ...(record.shows ? { name: this.docs.get(`channel-${entry.group}`).name } : {}) }));
  }

  /** By himself or through groups: the most of it. */
  membership(record, user) {
    const all = [this.own(record, user)];
    for (const { group, access } of this.groupsOf(record)) {
      const inGroup = this.own(this.docs.get(`channel-${group}`), user);
      if (inGroup === '') continue;
      const isIn = IS_ACCESS.includes(inGroup) && IS_ACCESS.includes(access);
      all.push(!isIn ? 'none' : inGroup === 'reader' || access === 'reader' ? 'reader' : 'writer');
    }
    return all.sort((left, right) => RANK.indexOf(right) - RANK.indexOf(left) || right.length - left.length)[0];
  }

  isPublic(record) {
    return record.public === true && record.state === 'ready';
  }

  follows(record, user) {
    return [...this.docs.values()].some((doc) => doc.type === 'follower' && doc.channel === record.id && doc.user === user && doc.state === 'following');
  }

  /** {access, sees}: what he has of it, and whether as a member. */
  standing(record, user) {
    const access = this.membership(record, user);
    if (IS_ACCESS.includes(access)) return { access, sees: true };
    return this.isPublic(record) && this.follows(record, user) ? { access: 'reader', sees: false } : { access: 'none', sees: false };
  }

  membersOf(record) {
    const named = (user) => {
      const { name, address: digest } = this.docs.get(`user-${user}`) ?? {};
      const { address } = this.docs.get(`address-${digest}`) ?? [...this.docs.values()].find((doc) => doc.type === 'address' && doc.user === user) ?? {};
      return { ...(record.shows && name ? { name } : {}), ...(record.shows === 'addresses' && address ? { address } : {}) };
    };
    return Object.entries(record.members ?? { [record.user]: { access: 'owner' } }).filter(([, { access }]) => IS_ACCESS.includes(access))
      .map(([user, { access }]) => JSON.stringify({ user, access, ...named(user) })).sort();
  }

  /** What differs, in words; empty where all is as it should be. */
  async faults() {
    const faults = this.pending();
    for (const record of this.of('channel')) faults.push(...await this.#ofSecurity(record), ...this.#ofListing(record));
    for (const { user } of this.people) {
      for (const record of this.of('channel')) faults.push(...this.#ofCopy(record, user));
      for (const record of this.of('group')) faults.push(...this.#ofGroup(record, user));
      faults.push(...this.#ofStrays(user));
    }
    for (const person of this.people) faults.push(...await this.#ofRoles(person), ...await this.#ofDevices(person));
    return faults;
  }

  pending() {
    return this.people.flatMap(({ user, address }) => [...this.controls.get(user).values()].filter(isPending)
      .map(({ _id, type, state }) => `${type} ${_id} of ${address} is still "${state}"`));
  }

  async #ofSecurity(record) {
    const { body } = await this.world.daemon.request(`/${this.names.channel_prefix}${record.id}/_security`);
    const wanted = this.#securityOf(record);
    const found = {
      members: sortedRoles(body.members?.roles ?? []), names: body.members?.names ?? [], admins: body.admins?.roles ?? [],
      ...(wanted.owners ? { owners: sortedRoles(body.channels?.owners ?? []), readers: sortedRoles(body.channels?.readers ?? []), archived: body.channels?.archived === true } : {}),
    };
    return same(found, wanted) ? [] : [`_security of channel ${record.id}: ${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`];
  }

  #securityOf(record) {
    if (record.state !== 'ready') return { members: ['_admin'], names: [], admins: ['_admin'] };
    const users = Object.keys(record.members ?? { [record.user]: 0 });
    const rolesWith = (...access) => users.filter((user) => access.includes(this.own(record, user))).map((user) => `user:${user}`);
    const groups = this.groupsOf(record).filter(({ access }) => IS_ACCESS.includes(access));
    const public_ = this.isPublic(record) ? [EVERYBODY] : [];
    return {
      members: sortedRoles([...rolesWith(...IS_ACCESS), ...groups.flatMap(({ group }) => [`group:${group}`, `group-reader:${group}`]), ...public_]), names: [], admins: ['_admin'],
      owners: sortedRoles(rolesWith('owner')),
      readers: sortedRoles([...rolesWith('reader'), ...groups.map(({ group }) => `group-reader:${group}`), ...groups.filter(({ access }) => access === 'reader').map(({ group }) => `group:${group}`), ...public_]),
      archived: record.archived !== undefined,
    };
  }

  #ofListing(record) {
    const listing = this.listings.find(({ _id }) => _id === record.id);
    if (Boolean(listing) !== this.isPublic(record)) return [`the directory ${listing ? 'has' : 'lacks'} channel ${record.id}`];
    return !listing || listing.name === record.name ? [] : [`the directory calls channel ${record.id} "${listing.name}" and not "${record.name}"`];
  }

  #ofCopy(record, user) {
    const control = this.controls.get(user);
    const copy = control.get(record.id);
    const { access, sees } = this.standing(record, user);
    const subscription = control.get(`${record.id}-sub-${user}`);
    const where = `channel ${record.id} (${record.name}) of ${user}`;
    if (!IS_ACCESS.includes(access)) {
      const faults = copy?.type === 'channel' && !['removed', 'error'].includes(copy.state) ? [`${where} is "${copy.state}", and he is out`] : [];
      if (subscription && subscription.state !== 'error') faults.push(`${where}: his subscription is "${subscription.state}", and he is out`);
      return faults;
    }
    const isDeleted = record.state !== 'ready';
    const wanted = {
      state: isDeleted ? 'deleted' : record.archived !== undefined ? 'archived' : 'ready', access, name: record.name, public: this.isPublic(record),
      ...(sees ? { members: this.membersOf(record), shows: record.shows ?? null, groups: this.shownGroupsOf(record), count: this.membersOf(record).length } : {}),
    };
    const found = copy && {
      state: copy.state, access: copy.access, name: copy.name, public: copy.public === true,
      ...(sees ? { members: (copy.members ?? []).map((member) => JSON.stringify(member)).sort(), shows: copy.shows ?? null, groups: copy.groups ?? [], count: copy.member_count } : {}),
    };
    const faults = same(found, wanted) ? [] : [`${where} says ${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`];
    // Who came into a deleted channel has a subscription when it comes back.
    const isFine = isDeleted ? !subscription || subscription.state === 'error' : ['active', 'paused', 'stopped'].includes(subscription?.state);
    return isFine ? faults : [...faults, `${where}: his subscription is "${subscription?.state}", and the channel "${wanted.state}"`];
  }

  #ofGroup(record, user) {
    const copy = this.controls.get(user).get(record.id);
    const access = this.own(record, user);
    const where = `group ${record.id} of ${user}`;
    if (!IS_ACCESS.includes(access)) return copy && !['removed', 'error'].includes(copy.state) ? [`${where} is "${copy.state}", and he is out`] : [];
    const wanted = { state: 'ready', access, name: record.name, members: this.membersOf(record), shows: record.shows ?? null, count: this.membersOf(record).length };
    const found = copy && { state: copy.state, access: copy.access, name: copy.name, members: (copy.members ?? []).map((member) => JSON.stringify(member)).sort(), shows: copy.shows ?? null, count: copy.member_count };
    return same(found, wanted) ? [] : [`${where} says ${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`];
  }

  /** Copies of what the registry doesn't know, and conflicts that nobody settled. */
  #ofStrays(user) {
    const known = new Set(this.shares.map(({ id }) => id));
    return [...this.controls.get(user).values()].flatMap(({ _id, type, state, _conflicts: conflicts }) => [
      ...(['channel', 'group'].includes(type) && !known.has(_id) && !['error', 'removed'].includes(state) ? [`${type} ${_id} of ${user} is "${state}", and nobody knows it`] : []),
      ...(conflicts ? [`${type} ${_id} of ${user} has conflicts`] : []),
    ]);
  }

  async #ofRoles({ user, devices, gone }) {
    const wanted = sortedRoles([`user:${user}`, EVERYBODY, ...this.of('group').flatMap((group) => {
      const access = this.own(group, user);
      if (!IS_ACCESS.includes(access)) return [];
      return [`${access === 'reader' ? 'group-reader' : 'group'}:${group.id}`];
    })]);
    const faults = [];
    for (const { id, name } of devices) {
      const { status, body } = await this.world.daemon.request(`/_users/org.couchdb.user:device-${id}`);
      if (gone.has(id)) {
        if (status !== 404) faults.push(`the log-in of ${name} is there (${status}), and it was revoked`);
      } else if (!same(sortedRoles(body.roles ?? []), wanted)) faults.push(`the roles of ${name}: ${body.roles} and not ${wanted}`);
    }
    return faults;
  }

  async #ofDevices({ user, devices, gone }) {
    const { server } = this.world;
    const cloud = await contentOf(`${server.url}/${this.names.control_prefix}${user}`, { auth: { username: server.user, password: server.password } });
    const faults = [];
    for (const { id, name, control, device } of devices) {
      if (gone.has(id)) {
        if (device.status.state !== 'revoked') faults.push(`${name} is "${device.status.state}" and not revoked`);
        continue;
      }
      const here = await contentOfDatabase(control);
      const differs = [...here.filter((line) => !cloud.includes(line)), ...cloud.filter((line) => !here.includes(line))];
      if (differs.length > 0) faults.push(`the control database of ${name} is not the cloud's: ${differs.slice(0, 2).join(' ').slice(0, 600)}`);
    }
    return faults;
  }

  /** Each device's log-in on each channel's database, to read and to write: whoever is let in and should not be, or the other way round. */
  async trespasses() {
    const faults = [];
    for (const record of this.of('channel')) {
      for (const { user, devices, gone } of this.people) {
        const { access } = this.standing(record, user);
        const isThere = record.state === 'ready';
        const reads = isThere && (IS_ACCESS.includes(access) || this.isPublic(record));
        const writes = isThere && record.archived === undefined && ['owner', 'writer'].includes(access);
        for (const { id, name, logIn } of devices) {
          const url = `${this.world.server.url}/${this.names.channel_prefix}${record.id}`;
          const refused = gone.has(id) ? 401 : 403;
          const read = (await request(`${url}/_all_docs?include_docs=true`, { auth: logIn })).status;
          const write = (await request(`${url}/by-${id}`, { method: 'PUT', body: {}, auth: logIn })).status;
          const wanted = gone.has(id) ? [refused, refused] : [reads ? 200 : refused, writes ? 201 : refused];
          if (!same([read, write], wanted)) faults.push(`${name} in channel ${record.id} (${record.name}), where he is "${access}": reading ${read}, writing ${write}, and not ${wanted}`);
        }
      }
    }
    return faults;
  }
}

// What people do with channels, one thing at a time, by the plug-in's calls alone and as far as their device shows that it can be done. Used by
// sharing_orders.test.mjs, which draws who does what.
//
// A step: async ({device, others, draw, pool, mayRevoke}) -> what was done, in words; null where there is nothing that it could be done to.
// `draw`: one(array), chance(); `pool`: what people pass on outside: {links, listed, revoked, most}.

const ACCESS = ['owner', 'writer', 'reader'];
const there = (device) => [...device.channels(), ...device.groups()].filter(({ state, access }) => access !== null && state !== 'removed' && state !== 'deleted');
/** What he owns, or has made and not shown the server yet. */
const mine = (list) => list.filter(({ state, access }) => state === 'new' || (access === 'owner' && ['ready', 'archived'].includes(state)));
const own = (device) => mine([...device.channels(), ...device.groups()]);
const label = ({ name, id }) => `${name} ${id.slice(0, 6)}`;

/** A step upon something that has to be there. */
const upon = (choices, act) => async (scene) => {
  const chosen = scene.draw.one(choices(scene));
  return chosen === undefined ? null : act(chosen, scene);
};
const uponOwn = (act) => upon(({ device }) => own(device), act);
const uponOwnChannel = (act) => upon(({ device }) => mine(device.channels()), act);
const uponMember = (act) => upon(
  ({ device }) => own(device).flatMap((it) => device.members(it.id).map(({ user }) => ({ it, user })).filter(({ user }) => user !== device.status.user)),
  ({ it, user }, scene) => act(it, user, scene));
const uponInvitation = (received, states, call) => upon(
  ({ device }) => device.invitations().filter((invitation) => invitation.received === received && states.includes(invitation.state)),
  async ({ id, name }, { device }) => {
    await device[call](id);
    return `${call} ${id.slice(0, 20)} to ${name}`;
  });
const end = (call, states) => upon(
  ({ device }) => device.channels().filter(({ state, access }) => access === 'owner' && states.includes(state)),
  async (channel, { device }) => {
    await device[call](channel.id);
    return `${call} ${label(channel)}`;
  });

async function newChannel({ device, draw, pool }) {
  if (pool.made >= pool.most) return null;
  const name = `Channel ${draw.one([1, 2, 3, 4])}`;
  pool.made += 1;
  await device.channel(name).put({ _id: `note-${pool.made}`, text: 'hello' });
  return `channel "${name}"`;
}

async function makeGroup({ device, pool }) {
  if (pool.groups >= 2) return null;
  pool.groups += 1;
  return `group ${await device.makeGroup(`Group ${pool.groups}`)}`;
}

const invite = uponOwn(async (it, { device, others, draw }) => {
  const to = draw.one(others).address;
  const access = draw.one(ACCESS);
  await device.invite(it.id, to, { access });
  return `invite ${to} to ${label(it)} as ${access}`;
});

const removeMember = uponMember(async (it, user, { device, draw }) => {
  const wipe = draw.chance() < 0.5;
  await device.removeMember(it.id, user, { wipe });
  return `remove ${user} from ${label(it)}, wipe ${wipe}`;
});

const changeMember = uponMember(async (it, user, { device, draw }) => {
  const access = draw.one(ACCESS);
  await device.changeMember(it.id, user, access);
  return `make ${user} ${access} of ${label(it)}`;
});

const handOver = uponMember(async (it, user, { device }) => {
  await device.handOver(it.id, user);
  return `hand ${label(it)} over to ${user}`;
});

const leave = upon(({ device }) => there(device), async (it, { device }) => {
  await device.leave(it.id);
  return `leave ${label(it)}`;
});

const giveToGroup = uponOwnChannel(async (channel, { device, draw }) => {
  const group = draw.one(mine(device.groups()));
  if (!group) return null;
  const access = draw.one(['writer', 'reader']);
  await device.giveToGroup(channel.id, group.id, { access });
  return `give ${label(channel)} to ${label(group)} as ${access}`;
});

const takeFromGroup = upon(({ device }) => device.channels().filter(({ groups, access }) => access && groups.length > 0), async (channel, { device, draw }) => {
  const { group } = draw.one(channel.groups);
  if (!device.groups().some(({ id }) => id === group)) return null;
  await device.takeFromGroup(channel.id, group);
  return `take ${label(channel)} from ${group}`;
});

const makeLink = uponOwn(async (it, { device, draw, pool }) => {
  const access = draw.one(['writer', 'reader']);
  pool.links.push(await device.makeLink(it.id, { access, uses: 2 }));
  return `link to ${label(it)} as ${access}`;
});

const isIn = (device, link) => there(device).some(({ id }) => link.startsWith(id));
const join = upon(({ device, pool }) => pool.links.filter((link) => !isIn(device, link)), async (link, { device }) => {
  await device.join(link);
  return `join ${link.slice(0, 6)}`;
});

const closeLink = upon(({ device }) => own(device).flatMap(({ id }) => device.links(id)).filter(({ state }) => ['new', 'open'].includes(state)), async ({ link }, { device }) => {
  await device.closeLink(link);
  return `close link ${link.slice(0, 6)}`;
});

const publish = uponOwnChannel(async (channel, { device }) => {
  await device.publish(channel.id);
  return `publish ${label(channel)}`;
});

const unpublish = upon(({ device }) => mine(device.channels()).filter((channel) => channel.public), async (channel, { device }) => {
  await device.unpublish(channel.id);
  return `unpublish ${label(channel)}`;
});

/** Without a network what was seen there last. */
async function follow({ device, draw, pool }) {
  await device.publicChannels().then((listed) => { pool.listed = listed; }, (error) => { if (error.error !== 'unavailable') throw error; });
  const listed = draw.one(pool.listed);
  if (!listed) return null;
  await device.follow(listed.id);
  return `follow ${label(listed)}`;
}

const showMembers = uponOwn(async (it, { device, draw }) => {
  const shows = draw.one(['nothing', 'names', 'addresses']);
  await device.showMembers(it.id, shows);
  return `show ${shows} in ${label(it)}`;
});

async function setProfile({ device, draw }) {
  const name = draw.one(['Ann', 'Ben', '']);
  await device.setProfile({ name });
  return `called "${name}"`;
}

const renameChannel = upon(({ device }) => device.channels().filter(({ state }) => ['ready', 'archived'].includes(state)), async (channel, { device, draw }) => {
  const name = `Renamed ${draw.one([1, 2, 3])}`;
  await device.renameChannel(channel.id, name);
  return `rename ${label(channel)} to "${name}"`;
});

async function revoke({ device, pool, mayRevoke }) {
  if (!mayRevoke) return null;
  const other = device.devices().find(({ own: isOwn, state }) => !isOwn && state === 'active');
  if (!other) return null;
  await device.revoke(other.id, { wipe: true });
  pool.revoked = other.id;
  return `revoke ${other.name}`;
}

const accept = uponInvitation(true, ['received'], 'accept');

/** As often as it stands here. */
export const STEPS = [
  ...Array(4).fill(newChannel), ...Array(8).fill(invite), makeGroup, makeGroup, makeGroup, ...Array(4).fill(giveToGroup), makeLink, makeLink, join, join, follow,
  uponInvitation(true, ['received'], 'decline'), uponInvitation(false, ['new', 'sent'], 'withdraw'), removeMember, removeMember, removeMember, changeMember, changeMember,
  handOver, leave, takeFromGroup, takeFromGroup, closeLink, publish, unpublish, end('archiveChannel', ['ready']), end('reopenChannel', ['archived']),
  end('reopenChannel', ['archived']), end('deleteChannel', ['ready', 'archived']), end('undeleteChannel', ['deleted']), end('undeleteChannel', ['deleted']),
  showMembers, setProfile, renameChannel, revoke,
];
/** What answers others; else hardly anything would come of what they do. */
export const ANSWERS = [accept, accept, accept, join];

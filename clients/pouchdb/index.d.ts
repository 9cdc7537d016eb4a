/// <reference types="pouchdb-core" />

/** Where a registration stands. `none`: not registered. `waiting`: the document has not reached the server yet (offline). */
export type DeviceState =
  | 'none' | 'waiting' | 'new' | 'confirming' | 'confirmed' | 'active'
  | 'rejected' | 'expired' | 'error' | 'revoked' | 'signing-out';

/** `error` is a word for programs (docs/devices.md lists them), `reason` one sentence for a person. */
export interface ErrorNote {
  error: string;
  reason: string;
}

export class ChannelsError extends Error implements ErrorNote {
  error: string;
  reason: string;
  /** The channel that it is about, if it is about one. */
  channel?: string;
  /** The document that the server did not take (`error` is "denied"). */
  id?: string;
  /** The invitation or member document that it is about. */
  document?: string;
  status?: number;
}

export interface DeviceStatus {
  state: DeviceState;
  owner: string | null;
  name: string | null;
  /** To be shown while `confirming`: the person types it into the page behind the mail's link. */
  code: string | null;
  /** RFC 3339: until then the code is good. */
  expires: string | null;
  user: string | null;
  error: ErrorNote | null;
  /** The server was reached, and documents travel. */
  online: boolean;
  /** Why it is not online, in the network's words: for logs. */
  trouble: string | null;
}

export type Choice = 'active' | 'paused' | 'stopped';

export type Access = 'owner' | 'writer' | 'reader';

export interface InvitationInfo {
  id: string;
  /** This user got it; else he sent it. */
  received: boolean;
  /** Of one that was sent `new`, `sent` or an end, of one that was received `received` or an end. */
  state: 'new' | 'sent' | 'received' | 'accept' | 'decline' | 'withdraw' | 'accepted' | 'declined' | 'withdrawn' | 'expired' | 'error';
  /** The channel's id. */
  channel: string | null;
  name: string | null;
  access: Access | null;
  /** Of one that was received: what the members would see of this user; null: nothing. */
  shows: 'names' | 'addresses' | null;
  /** E-mail addresses: who sent it, of one that was received; who is invited, of one that was sent. */
  from: string | null;
  to: string | null;
  expires: string | null;
  error: ErrorNote | null;
}

export interface GroupInfo {
  id: string;
  name: string | null;
  state: 'new' | 'ready' | 'removed' | 'error';
  /** What this user is in it: its members read and write its channels, its readers read. */
  access: Access | null;
  members: MemberInfo[];
  /** How many members there are: `members` are 200 at most. null for who is not in it. */
  memberCount: number | null;
  /** What its members see of each other, as `showMembers` sets it; null for who is not in it. */
  shows: Shown | null;
  error: ErrorNote | null;
}

export interface LinkInfo {
  /** To be passed on: `join(link)` takes it. */
  link: string;
  state: 'new' | 'open' | 'close' | 'closed' | 'used' | 'expired' | 'error';
  /** The channel's id. */
  channel: string;
  access: 'writer' | 'reader';
  /** How many may come in by it, and until when; null until the server knows it. */
  uses: number | null;
  expires: string | null;
  error: ErrorNote | null;
}

export interface MemberInfo {
  /** The user's id. */
  user: string;
  access: Access;
  /** What he calls himself, and his address: where an owner lets members see that, and he has a name. */
  name: string | null;
  address: string | null;
}

/** Somebody who has a channel. */
export interface PersonInfo extends MemberInfo {
  /** The ids of the groups through which he has it, too; of who is no member himself, those alone. */
  groups: string[];
}

/** Of the server's directory. */
export interface PublicChannelInfo {
  id: string;
  name: string | null;
}

export interface ProfileInfo {
  name: string | null;
  /** null before one was made; `new` until the server has taken it. */
  state: 'new' | 'ready' | 'error' | null;
  error: ErrorNote | null;
}

/** What the members of a channel or group see of each other besides user ids; addresses come with the names. */
export type Shown = 'nothing' | 'names' | 'addresses';

export interface ChannelInfo {
  id: string;
  name: string | null;
  /**
   * Of the channel's document: `new` until the server has made it. `archived`: nobody writes to it. `deleted`: nobody gets in, until its owners
   * bring it back. `archive`, `reopen`, `delete`, `undelete`: wished, and not settled by the server yet.
   */
  state: 'new' | 'ready' | 'archived' | 'deleted' | 'removed' | 'archive' | 'reopen' | 'delete' | 'undelete' | 'error' | null;
  error: ErrorNote | null;
  /** What this user may do in it; null while the server has not made it, and when he is out. */
  access: Access | null;
  /** What its members see of each other, as `showMembers` sets it; null for who is not in it. */
  shows: Shown | null;
  /** How many members it has by themselves: `members()` lists 200 at most. null where this user sees no members. */
  memberCount: number | null;
  /** Those that have it, by their ids, and what their members may do at most. `name`: where an owner lets members see names. */
  groups: { group: string; access: 'writer' | 'reader'; name: string | null }[];
  /** Every device of the server may read it. */
  public: boolean;
  /** RFC 3339, of a deleted one: until then an owner can bring it back. */
  until: string | null;
  /** The person's choice, for all devices; null while nobody made one. */
  subscription: Choice | 'error' | null;
  /** `off`: not kept in sync. `waiting`: for the server. `trouble`: `error` events said why. */
  sync: 'off' | 'waiting' | 'syncing' | 'synced' | 'trouble';
  /** RFC 3339: when both sides were last seen to be equal, since the device was opened. */
  lastSynced: string | null;
  /** Documents that the replication under way brought here, and took there. */
  pulled: number;
  pushed: number;
  /** Changes that are still to come, as far as the server says. */
  pending: number | null;
}

export interface DeviceInfo {
  id: string;
  name: string | null;
  state: string;
  created: string | null;
  activated: string | null;
  /** It is this one. */
  own: boolean;
}

export interface SyncOptions {
  /** Channels that are live at once (3). */
  live?: number;
  /** Milliseconds that a channel stays live after its last change (60000). */
  linger?: number;
  /** Replications at once of channels that are not live (3). */
  atOnce?: number;
  /** Milliseconds after which a channel is looked at without a ring (3600000). */
  hourly?: number;
  /** ms between two words of the device about itself (60000), which `couchdb-channels why` shows an operator. */
  mark?: number;
}

export interface DeviceOptions {
  /** The installation's public_url. */
  server: string;
  /** The device's name, for people: "Alice's phone". */
  name?: string;
  /** Whoever revokes this device may have its data wiped. Counts as it is when the device registers. Default: no. */
  allowWipe?: boolean;
  /** Beginning of the names of all databases here ("channels"). Another one is another device. */
  store?: string;
  /** The installation's [channels] handshake_db ("channels-handshake"). */
  handshake?: string;
  /** The installation's [channels] directory_db, where it has one ("channels-directory"). */
  directory?: string;
  /** For each PouchDB made here: `{ adapter: 'memory' }`. */
  databaseOptions?: PouchDB.Configuration.DatabaseConfiguration;
  sync?: SyncOptions;
  /** In place of PouchDB.fetch, as that one is: for apps whose requests go another way. */
  fetch?: (url: string, options?: RequestInit) => Promise<Response>;
}

/** A CouchDB in the same network, of a laptop that is a device of the same person. */
export interface NeighbourOptions {
  /** "http://laptop.local:5984/": where the password goes. */
  url: string;
  /** A log-in there with the role `user:<user id>`. */
  username: string;
  password: string;
  /** The laptop's [channels] control_prefix ("control-") and channel_prefix ("channel-"). */
  controlPrefix?: string;
  channelPrefix?: string;
}

/** Documents that came and went. */
export interface Exchanged {
  pulled: number;
  pushed: number;
}

export interface RegisterOptions {
  /** The person's e-mail address. */
  owner: string;
  name?: string;
  /** BCP 47; default: the browser's. The mail's language. */
  locale?: string;
  allowWipe?: boolean;
}

/** What listeners get. */
export interface DeviceEvents {
  state: (status: DeviceStatus) => void;
  code: (code: string) => void;
  channel: (channel: ChannelInfo) => void;
  sync: (channel: ChannelInfo) => void;
  /** One appeared, or its state is another. */
  invitation: (invitation: InvitationInfo) => void;
  /** One appeared, or somebody came in or went. */
  group: (group: GroupInfo) => void;
  /** The user's own, changed here or on another of his devices, or taken by the server. */
  profile: (profile: ProfileInfo) => void;
  /** One that this user made: it appeared, or its state is another. */
  link: (link: LinkInfo) => void;
  /** This user came into a channel by a link; the channel follows. */
  joined: (channel: { channel: string }) => void;
  /** This user is no member of the channel any more. `wiped`: what was here is gone, as who put him out wished and the app had allowed. */
  removed: (channel: ChannelInfo & { left: boolean; wipe: boolean; wiped: boolean }) => void;
  /** An owner archived the channel: what is written to it now is not taken by the server. */
  archived: (channel: ChannelInfo) => void;
  /** An owner deleted it. What was synced stays here; after `until` the channel is `removed`. */
  deleted: (channel: ChannelInfo) => void;
  /** An archived or deleted channel is `ready` again. */
  reopened: (channel: ChannelInfo) => void;
  /** Something that a person can act on; passing trouble of the network is none. */
  error: (error: ChannelsError) => void;
  /** This device was signed out. `wiped`: its data is gone, as who revoked it wished and the app had allowed. */
  revoked: (how: { wipe: boolean; wiped: boolean }) => void;
}

export class Device {
  private constructor();
  /** Of its document; null before the first registration. */
  readonly id: string | null;
  readonly status: DeviceStatus;

  on<E extends keyof DeviceEvents>(event: E, listener: DeviceEvents[E]): this;
  off<E extends keyof DeviceEvents>(event: E, listener: DeviceEvents[E]): this;
  once<E extends keyof DeviceEvents>(event: E, listener: DeviceEvents[E]): this;

  /**
   * Resolves when the device is active, which takes its person, and may take days offline; a restart goes on by itself.
   * Rejects with a ChannelsError if the registration ends otherwise.
   */
  register(options: RegisterOptions): Promise<void>;
  /** The document that a carrier may bring to the handshake; null while there is none to bring. */
  registration(): object | null;
  /**
   * The channel's database here, at once: also offline, and before the device is registered. By its id, or by its name: of several of that name the user's own. One of that name is made if
   * there is none.
   */
  channel<Content extends {} = {}>(name: string): PouchDB.Database<Content>;
  channels(): ChannelInfo[];
  /** Each takes a channel's name or id, and is the person's choice for all his devices. */
  pause(channel: string): Promise<void>;
  resume(channel: string): Promise<void>;
  stop(channel: string): Promise<void>;
  renameChannel(channel: string, name: string): Promise<void>;

  /**
   * Invites an address to a channel whose owner this user is ("writer"); gives the invitation's id. `locale`: the mail's language, where the server
   * doesn't know the person's own. Like all calls here it works offline: the document waits, and `invitation` and `error` events tell what became of it.
   */
  invite(channel: string, to: string, options?: { access?: Access; locale?: string }): Promise<string>;
  invitations(): InvitationInfo[];
  accept(id: string): Promise<void>;
  decline(id: string): Promise<void>;
  /** While nobody answered it; also before it was sent. */
  withdraw(id: string): Promise<void>;
  /**
   * Makes a group of people that can have many channels together; gives its id. `invite`, `makeLink`, `members`, `changeMember`, `removeMember`, `handOver` and
   * `leave` take it in place of a channel.
   */
  makeGroup(name: string): Promise<string>;
  groups(): GroupInfo[];
  renameGroup(group: string, name: string): Promise<void>;
  /** Gives a channel to a group, by an owner of both, to write or only to read. */
  giveToGroup(channel: string, group: string, options?: { access?: 'writer' | 'reader' }): Promise<void>;
  takeFromGroup(channel: string, group: string): Promise<void>;

  /**
   * A link into a channel whose owner this user is, for whoever has it; made offline, too. Who tries it before the server knows it is told "unknown_link", and may try again.
   * `uses` people at most (10, up to 1000), for so many `days` (7, up to 365).
   */
  makeLink(channel: string, options?: { access?: 'writer' | 'reader'; uses?: number; days?: number }): Promise<string>;
  /** Those that this user made to the channel. */
  links(channel: string): LinkInfo[];
  /** Nobody comes in by it any more; also of one that the server doesn't know yet. */
  closeLink(link: string): Promise<void>;
  /** Comes in by a link; `joined` or `error` tells what became of it. */
  join(link: string): Promise<void>;
  /** Makes a channel public, by an owner, where the server has a directory: all its devices may read it. */
  publish(channel: string): Promise<void>;
  unpublish(channel: string): Promise<void>;
  /** Asks the server for all that are public: rejects with "no_directory" where it has none or a proxy lets it not through, with "unavailable" offline. */
  publicChannels(): Promise<PublicChannelInfo[]>;
  /** A public channel onto all of this user's devices, by its id (`publicChannels()`); `leave` ends that. */
  follow(channel: string): Promise<void>;
  /** Who is in it by himself, owners first: 200 at most (`memberCount`). */
  members(channel: string): MemberInfo[];
  /**
   * Who has the channel, by himself or through a group, each with the most that he may do there. People of a group that this user is not in are not among
   * them: `groups` of the channel's info names it.
   */
  people(channel: string): PersonInfo[];
  /** What members see of each other; by an owner. */
  showMembers(channel: string, shows: Shown): Promise<void>;
  /** What this user calls himself, on all his devices: at most 100 characters; without a name he has none. */
  profile(): ProfileInfo;
  setProfile(profile: { name: string | null }): Promise<void>;
  changeMember(channel: string, user: string, access: Access): Promise<void>;
  removeMember(channel: string, user: string, options?: { wipe?: boolean }): Promise<void>;
  /** Makes another member an owner, and oneself what `access` says ("writer"). */
  handOver(channel: string, user: string, options?: { access?: Access }): Promise<void>;
  leave(channel: string): Promise<void>;
  /** Nobody writes to it any more, its owners neither, until one of them reopens it. Owners do this and the next three. */
  archiveChannel(channel: string): Promise<void>;
  reopenChannel(channel: string): Promise<void>;
  /** Nobody gets in any more. For a time (`until`) it can be brought back; what devices have, they keep. */
  deleteChannel(channel: string): Promise<void>;
  undeleteChannel(channel: string): Promise<void>;

  devices(): DeviceInfo[];
  /** Names this device. */
  rename(name: string): Promise<void>;
  /** Signs another device of the user out. */
  revoke(id: string, options?: { wipe?: boolean }): Promise<void>;
  /** Gives this device another secret. Resolves when the server has taken it. */
  rotate(): Promise<void>;
  /** Everything here and there, now; of one channel, or of all. Rejects if it fails. */
  sync(channel?: string): Promise<void>;
  /**
   * The control database and every channel that is not paused or stopped, both ways, once, with a laptop of the same person: for when the cloud is out
   * of reach. Of a channel that could not be exchanged `error` says why; rejects if the control database could not.
   */
  exchange(neighbour: NeighbourOptions): Promise<{ control: Exchanged; channels: Record<string, Exchanged | { error: ChannelsError }> }>;
  /** Tries at once what waits for the network. Called by itself when the browser says that the network is back. */
  kick(): void;
  /**
   * `delivered`: the server knows; else the device goes on telling it as soon as it can. With `wipe` everything of the
   * user's here is removed; rejects with "unsynced" if something may not be in the cloud, unless `force` is set.
   */
  signOut(options?: { wipe?: boolean; force?: boolean }): Promise<{ delivered: boolean }>;
  /** Ends all that runs; the device goes on when it is opened again. */
  close(): Promise<void>;
}

declare function Channels(pouchdb: PouchDB.Static): void;
export { Channels };
export default Channels;

declare global {
  namespace PouchDB {
    interface Static {
      channels(options: DeviceOptions): Promise<Device>;
    }
  }
}

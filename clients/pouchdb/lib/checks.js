// What an app gives to a call, before anything is done with it.

import { ChannelsError } from './errors.js';

const LONGEST_NAME = 200;
const LONGEST_OWN_NAME = 100;
const SHOWN = ['nothing', 'names', 'addresses'];
const ACCESS = ['owner', 'writer', 'reader'];

/** The same address' one spelling: only ASCII letters, as the daemon does it. */
export const folded = (address) => address.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

export function checkAddress(text, reason) {
  const address = typeof text === 'string' ? text.trim() : '';
  if (/^[^\s@]+@[^\s@]+$/.test(address) && address.length <= 254) return address;
  throw new ChannelsError('bad_owner', reason);
}

export function checkName(name) {
  if (typeof name === 'string' && name.trim() !== '' && name.length <= LONGEST_NAME) return name;
  throw new ChannelsError('bad_name', `A name has 1 to ${LONGEST_NAME} characters.`);
}

/** What a person calls himself; '' for nothing. */
export function checkOwnName(name) {
  const trimmed = typeof name === 'string' ? name.trim() : name ?? '';
  if (typeof trimmed === 'string' && [...trimmed].length <= LONGEST_OWN_NAME) return trimmed;
  throw new ChannelsError('bad_name', `A person's name has at most ${LONGEST_OWN_NAME} characters.`);
}

export function checkShown(shows) {
  if (SHOWN.includes(shows)) return shows;
  throw new ChannelsError('bad_wish', `Members see one of "${SHOWN.join('", "')}" of each other.`);
}

export function checkAccess(access, allowed = ACCESS) {
  if (allowed.includes(access)) return access;
  throw new ChannelsError('bad_access', `The access is one of "${allowed.join('", "')}".`);
}

/** A link's, those that were given. */
export function checkLimits({ uses, days }) {
  const isWithin = (value, most) => value === undefined || (Number.isInteger(value) && value >= 1 && value <= most);
  if (!isWithin(uses, 1000) || !isWithin(days, 365)) throw new ChannelsError('bad_limits', 'A link has 1 to 1000 `uses`, and ends after 1 to 365 `days`.');
  return { ...(uses ? { uses } : {}), ...(days ? { days } : {}) };
}

/** {channel, code} of a link as it was passed on. */
export function readLink(link) {
  const [, channel, code] = /^\s*([a-z0-9-]{16,64})\.([0-9a-f]{32})\s*$/.exec(link) ?? [];
  if (channel) return { channel, code };
  throw new ChannelsError('bad_link', 'This is no link to a channel: it has the channel\'s id, a dot and 32 digits.');
}

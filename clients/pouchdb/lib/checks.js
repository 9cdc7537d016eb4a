// What an app gives to a call, before anything is done with it.

import { ChannelsError } from './errors.js';

const LONGEST_NAME = 200;
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

export function checkAccess(access) {
  if (ACCESS.includes(access)) return access;
  throw new ChannelsError('bad_access', 'The access to a channel is "owner", "writer" or "reader".');
}

// Judges the mails of a run. Pure: copies (post.mjs), the events of a fleet (fleet.mjs) and the devices in; numbers
// and sentences about what is wrong out.
//
// The rule: without faults every mail comes once. A repeat is excused by a worker that was lost between the act and
// the save, that is killed, or paused beyond its lease; there are no more repeats than kills and such pauses; and a repeat has
// the code and the Message-ID of the first.

import { LEASE } from './plan.mjs';

const SLACK_MS = 5000;  // the mail server takes down a mail's time a little late

function isExcuse({ kind, from, to }) {
  return kind === 'kill' || (kind === 'pause' && to - from >= LEASE * 1000);
}

/** The sender of the first was lost with the run in hand; or the second's slept from before the first until after it. */
function excuses(event, first, second) {
  const lost = event.daemon === first.daemon && event.from >= first.at - SLACK_MS &&
    event.from <= Math.min(first.at + LEASE * 1000 + SLACK_MS, second.at);
  const overslept = event.kind === 'pause' && event.daemon === second.daemon &&
    event.from <= first.at && event.to >= first.at - SLACK_MS && event.to <= second.at + SLACK_MS;
  return lost || overslept;
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...groups.get(key(item)) ?? [], item]);
  return groups;
}

/** Answers {mails, repeats: [{messageId, copies, excused}], excuses, wrong: [sentence]}. */
export function judgeMails({ copies, events, devices }) {
  const wrong = [];
  const byMessage = grouped(copies, ({ messageId }) => messageId);
  const reasons = events.filter(isExcuse);
  const repeats = [...byMessage.values()].flatMap((same) => repeatsIn(same, reasons));
  for (const { first, second, excused } of repeats) {
    if (!excused) wrong.push(`a mail to ${first.to} came twice, ${second.at - first.at} ms apart, from daemons ${first.daemon} and ${second.daemon}, of which none was lost`);
  }
  if (repeats.length > reasons.length) wrong.push(`${repeats.length} repeats, but only ${reasons.length} kills and pauses beyond the lease`);
  wrong.push(...wrongConfirmations(copies, devices), ...wrongNotices(copies, devices));
  return { mails: byMessage.size, repeats, excuses: reasons.length, wrong };
}

function repeatsIn(same, reasons) {
  const sorted = [...same].sort((left, right) => left.at - right.at);
  return sorted.slice(1).map((second, index) => {
    const earlier = sorted.slice(0, index + 1);
    return { first: earlier[0], second, excused: earlier.some((first) => reasons.some((event) => excuses(event, first, second))) };
  });
}

/** Each device has one confirmation mail, however often it came: the same code, the same Message-ID. */
function wrongConfirmations(copies, devices) {
  const bySubject = grouped(copies.filter(({ subject }) => subject), ({ subject }) => subject);
  const wrong = devices.filter(({ id }) => !bySubject.has(id)).map(({ owner }) => `no mail to ${owner}`);
  for (const same of bySubject.values()) {
    for (const field of ['code', 'messageId']) {
      if (new Set(same.map((copy) => copy[field])).size > 1) wrong.push(`the repeated mail to ${same[0].to} has another ${field}`);
    }
  }
  return wrong;
}

/** Each further device of a person is told to the address, once. */
function wrongNotices(copies, devices) {
  const notices = grouped(copies.filter(({ subject }) => !subject), ({ to }) => to);
  return [...grouped(devices, ({ owner }) => owner)].flatMap(([owner, own]) => {
    const told = new Set((notices.get(owner) ?? []).map(({ messageId }) => messageId)).size;
    return told === own.length - 1 ? [] : [`${told} notices to ${owner}, who has ${own.length} devices`];
  });
}

/** Which of these acts, by the attempt keys of what reached the outside, happened twice. */
export function actedTwice(acts) {
  return [...grouped(acts, (key) => key)].filter(([, same]) => same.length > 1).map(([key]) => key);
}

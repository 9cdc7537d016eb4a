// What a process costs, read from /proc: CPU to the nanosecond (schedstat), memory.

import { readFileSync, readdirSync } from 'node:fs';

/** CPU of all threads of a process so far, in seconds. Threads that ended between are not in it. */
export function cpuSeconds(pid) {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // It ended just now.
    }
  }
  return nanoseconds / 1e9;
}

/** The same by the names of its threads: {"sweep": 0.1, ...}. */
export function cpuByThread(pid) {
  const seconds = {};
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const name = readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim();
    const nanoseconds = Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    seconds[name] = (seconds[name] ?? 0) + nanoseconds / 1e9;
  }
  return seconds;
}

function statusKb(pid, field) {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

export const residentKb = (pid) => statusKb(pid, 'VmRSS');
export const peakResidentKb = (pid) => statusKb(pid, 'VmHWM');

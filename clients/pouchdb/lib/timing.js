// Waiting: growing delays, and the moments at which waiting is pointless because the world has changed (the network is
// back, the page is looked at again, the machine woke up).

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 300000;
const TICK_MS = 15000;

/** After so many failures in a row: 1, 2, 4 … seconds up to five minutes, spread by a quarter. */
export function backoff(failures) {
  const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 20));
  return delay * (0.75 + Math.random() / 2);
}

/** A timer that keeps no Node process alive. */
export function later(ms, fn) {
  const timer = setTimeout(fn, ms);
  timer.unref?.();
  return timer;
}

/** A wait that ends early by wake(), or for good by end(). */
export class Wait {
  #release = null;
  #ended = false;

  async for(ms) {
    if (this.#ended) return;
    await new Promise((resolve) => {
      const timer = later(ms, resolve);
      this.#release = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#release = null;
  }

  wake() {
    this.#release?.();
  }

  end() {
    this.#ended = true;
    this.wake();
  }
}

/** Calls `kick` when waiting has become pointless; answers a function that ends it. */
export function watchWorld(kick) {
  let last = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    // A timer that comes this late was asleep with the machine, and so was every connection.
    if (now - last > 3 * TICK_MS) kick('sleep');
    last = now;
  }, TICK_MS);
  timer.unref?.();
  const online = () => kick('online');
  const shown = () => globalThis.document?.visibilityState === 'visible' && Date.now() - last > 2 * TICK_MS && kick('shown');
  globalThis.addEventListener?.('online', online);
  globalThis.document?.addEventListener('visibilitychange', shown);
  return () => {
    clearInterval(timer);
    globalThis.removeEventListener?.('online', online);
    globalThis.document?.removeEventListener('visibilitychange', shown);
  };
}

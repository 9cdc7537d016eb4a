// Ten daemons (asker.pl) under a real node's manager, and what they say of their answers. For the test and the
// figures of the manager under load.

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../lib/net.mjs';
import { setSetting, startInstalled } from './installed.mjs';

const ASKER = fileURLToPath(new URL('asker.pl', import.meta.url));
const NAMES = Array.from({ length: 10 }, (_, n) => `asker${n}`);

/** `config` as for startCouch(). */
export async function startAskers({ config = {} } = {}) {
  const folderIn = (dir) => join(dir, 'askers');
  const server = await startInstalled({
    daemons: Object.fromEntries(NAMES.map((name) => [name, (dir) => `perl ${ASKER} ${folderIn(dir)} ${name}`])),
    config: { log: { level: 'warning' }, ...config, asker: { mode: 'idle', rate: 1000, seconds: 10 } },
  });
  mkdirSync(folderIn(server.dir));
  return new Askers(server, folderIn(server.dir));
}

class Askers {
  constructor(server, folder) {
    Object.assign(this, { server, folder });
  }

  /** Makes all of them ask from now on; a change of what they registered starts them anew. */
  async begin({ mode, rate = 1000, seconds = 10 }) {
    for (const name of NAMES) rmSync(join(this.folder, name), { force: true });
    // Idle ones that are started again by the first two changes do nothing.
    await setSetting(this.server, 'asker', 'rate', String(rate));
    await setSetting(this.server, 'asker', 'seconds', String(seconds));
    await setSetting(this.server, 'asker', 'mode', mode);
  }

  /** Their results, asker0's first: [{asked, answered, wrong, late_ms}]. */
  async results({ timeout }) {
    await waitFor(() => NAMES.every((name) => existsSync(join(this.folder, name))), { timeout, what: 'the end of all answers' });
    const results = NAMES.map((name) => JSON.parse(readFileSync(join(this.folder, name), 'utf8')));
    await setSetting(this.server, 'asker', 'mode', 'idle');
    return results;
  }

  close() {
    return this.server.close();
  }
}

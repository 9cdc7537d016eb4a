// The functions of design_docs/, run under Node as CouchDB's query server runs them.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const FOLDER = fileURLToPath(new URL('../../design_docs/', import.meta.url));

/** The text of one file, e.g. read('handshake', 'filters/device.js'). */
export function read(folder, path) {
  return readFileSync(`${FOLDER}${folder}/${path}`, 'utf8');
}

/** One function, compiled in a context of its own with CouchDB's globals; `emitted` collects a map's rows. */
export function load(folder, path) {
  const emitted = [];
  const context = vm.createContext({
    emit: (key, value) => emitted.push({ key, value }),
    require: (module) => {
      const exports = {};
      vm.runInContext(`(function (exports) {${read(folder, `${module}.js`)}\n})`, context)(exports);
      return exports;
    },
  });
  const fn = vm.runInContext(`(${read(folder, path)})`, context);
  return { fn, emitted, call: (...args) => outcome(() => fn(...args.map(plain))) };
}

// Values of another realm would fail deepEqual.
const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** {refused: reason} for a throw of CouchDB's kind, else {value}. */
function outcome(run) {
  try {
    return { value: plain(run()) };
  } catch (thrown) {
    if (thrown && thrown.forbidden) return { refused: thrown.forbidden };
    throw thrown;
  }
}

export const ADMIN = { name: 'admin', roles: ['_admin'] };
export const NOBODY = { name: null, roles: [] };

// Runs functions of design documents (validation, filters) apart from the server's own code: each in a
// context of its own, with CouchDB's helpers, and with arguments that are copies.

import { Script, createContext } from 'node:vm';
import { CouchError } from './errors.mjs';

const HELPERS = `
  var log = function () {};
  var isArray = Array.isArray;
  var toJSON = JSON.stringify;
  var sum = function (list) { return list.reduce(function (a, b) { return a + b; }, 0); };
  var call = function (fn, text) { return fn.apply(null, JSON.parse(text)); };
`;

const wrapped = (source) => `(${source.trim().replace(/;+\s*$/, '')}\n)`;

/** A function of a design document as a function here; `ddoc` is what its require() looks into. */
export function compile(ddoc, source) {
  const context = createContext({});
  new Script(HELPERS).runInContext(context);
  context.require = makeRequire(ddoc, context);
  let fn;
  try {
    fn = new Script(wrapped(source), { filename: ddoc._id }).runInContext(context);
  } catch (error) {
    throw new CouchError(400, 'compilation_error', `${ddoc._id}: ${error.message}`);
  }
  if (typeof fn !== 'function') {
    throw new CouchError(400, 'compilation_error', `${ddoc._id}: Expression does not eval to a function.`);
  }
  return (...args) => context.call(fn, JSON.stringify(args));
}

/** CommonJS as far as design documents use it: `require("path/in/the/design/document")`, absolute paths. */
function makeRequire(ddoc, context) {
  const loaded = new Map();
  return function require(path) {
    if (loaded.has(path)) return loaded.get(path).exports;
    const source = path.split('/').reduce((at, part) => at?.[part], ddoc);
    if (typeof source !== 'string') throw new Error(`require: no module ${path} in ${ddoc._id}`);
    const module = { exports: {} };
    loaded.set(path, module);
    new Script(`(function (module, exports, require) {${source}\n})`).runInContext(context)(module, module.exports, require);
    return module.exports;
  };
}

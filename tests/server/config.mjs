// The configuration: sections of text values, as /_node/_local/_config shows and changes them. With a
// folder it is kept there, as CouchDB keeps its local.ini.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { badRequest, forbidden, methodNotAllowed, notFound } from './errors.mjs';
import { hashAdmin, isHashed } from './passwords.mjs';

// CouchDB refuses changes of these over HTTP.
const FIXED_SECTIONS = new Set(['config_blacklist']);

export class Config {
  constructor(defaults, file) {
    this.file = file;
    this.sections = new Map();
    this.merge(defaults);
    if (file && existsSync(file)) this.merge(JSON.parse(readFileSync(file, 'utf8')));
    this.hashAdmins();
  }

  merge(values) {
    for (const [section, pairs] of Object.entries(values)) {
      for (const [key, value] of Object.entries(pairs)) this.section(section).set(key, String(value));
    }
  }

  section(name) {
    if (!this.sections.has(name)) this.sections.set(name, new Map());
    return this.sections.get(name);
  }

  get(section, key) {
    return this.sections.get(section)?.get(key);
  }

  set(section, key, value) {
    this.section(section).set(key, value);
    if (section === 'admins') this.hashAdmins();
    this.save();
  }

  delete(section, key) {
    this.section(section).delete(key);
    this.save();
  }

  iterations() {
    return Number(this.get('chttpd_auth', 'iterations') ?? 10);
  }

  /** No password stays in clear, as on a node that has started. */
  hashAdmins() {
    for (const [name, value] of this.section('admins')) {
      if (!isHashed(value)) this.section('admins').set(name, hashAdmin(value, this.iterations()));
    }
  }

  all() {
    return Object.fromEntries([...this.sections].filter(([, pairs]) => pairs.size > 0)
      .map(([name, pairs]) => [name, Object.fromEntries(pairs)]));
  }

  save() {
    if (!this.file) return;
    writeFileSync(`${this.file}.new`, JSON.stringify(this.all(), null, 2), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }

  /** /_node/NAME/_config[/section[/key]] */
  async route(exchange, [section, key, ...more]) {
    if (more.length > 0) throw notFound();
    if (key === undefined) {
      if (exchange.method !== 'GET') throw methodNotAllowed('GET');
      return exchange.send(200, section === undefined ? this.all() : Object.fromEntries(this.sections.get(section) ?? []));
    }
    if (exchange.method === 'GET') return exchange.send(200, this.known(section, key));
    if (exchange.method !== 'PUT' && exchange.method !== 'DELETE') throw methodNotAllowed('GET,PUT,DELETE');
    if (FIXED_SECTIONS.has(section)) throw forbidden('Config section blacklisted for modification over HTTP API.');
    if (exchange.method === 'DELETE') {
      const old = this.known(section, key);
      this.delete(section, key);
      return exchange.send(200, old);
    }
    const value = await exchange.jsonBody();
    if (typeof value !== 'string') throw badRequest('a JSON string expected');
    const old = this.get(section, key) ?? '';
    this.set(section, key, value.trim());
    exchange.send(200, old);
  }

  known(section, key) {
    const value = this.get(section, key);
    if (value === undefined) throw notFound('unknown_config_value');
    return value;
  }
}

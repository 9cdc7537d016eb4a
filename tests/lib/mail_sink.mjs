// A mail server of the tests' own, on the loopback: takes every mail over SMTP and keeps it, parsed.
//   const sink = await startMailSink();
//   [channels_mail] server = sink.url
//   const mail = await sink.next({ to: 'alice@example.com' });
// Each mail: {from, to: [address], subject, text, html, headers (Map), raw, at (ms)}.

import { SMTPServer } from 'smtp-server';
import { simpleParser } from 'mailparser';
import { once } from 'node:events';
import { waitFor } from './net.mjs';

export async function startMailSink() {
  const sink = new MailSink();
  sink.server.listen(0, '127.0.0.1');
  await once(sink.server.server, 'listening');
  sink.port = sink.server.server.address().port;
  sink.url = `smtp://127.0.0.1:${sink.port}`;
  return sink;
}

class MailSink {
  mails = [];
  #taken = new Set();

  constructor() {
    this.reject = null;  // (address) -> {code, message} or nothing
    this.hold = null;    // a promise that each mail waits for
    this.held = [];      // the recipients of each mail that has come whole and waits
    this.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      logger: false,
      disableReverseLookup: true,
      onRcptTo: (address, session, callback) => callback(this.#refusal(address.address)),
      onData: (stream, session, callback) => this.#take(stream, session).then(() => callback(), callback),
    });
    this.server.on('error', () => {});  // a client that was killed in the middle
  }

  #refusal(address) {
    const refused = this.reject?.(address);
    return refused ? Object.assign(new Error(refused.message), { responseCode: refused.code }) : undefined;
  }

  async #take(stream, session) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    await this.#beHeld(session);
    const raw = Buffer.concat(chunks);
    const { subject, text, html, headers } = await simpleParser(raw, { skipTextToHtml: true });
    this.mails.push({
      from: session.envelope.mailFrom.address,
      to: session.envelope.rcptTo.map(({ address }) => address),
      subject, text, html, headers, raw: raw.toString('utf8'), at: Date.now(),
    });
  }

  async #beHeld({ envelope }) {
    if (!this.hold) return;
    const held = envelope.rcptTo.map(({ address }) => address);
    this.held.push(held);
    await this.hold;
    this.held = this.held.filter((other) => other !== held);
  }

  to(address) {
    return this.mails.filter((mail) => mail.to.includes(address));
  }

  /** The oldest mail that fits and that no call has given yet. */
  async next({ to, subject, text, timeout = 15000 } = {}) {
    const mail = await waitFor(() => this.mails.find((candidate) => !this.#taken.has(candidate) &&
      (!to || candidate.to.includes(to)) && (!subject || subject.test(candidate.subject)) && (!text || text.test(candidate.text))),
    { timeout, what: `a mail${to ? ` to ${to}` : ''}` });
    this.#taken.add(mail);
    return mail;
  }

  async close() {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const LINK = /https?:\/\/\S+#([0-9a-f]+)\.([0-9a-f]{64})/;

/** The link of a confirmation mail: {url, subject (a device id or an address key), code}. */
export function linkIn(mail) {
  const [url, subject, code] = LINK.exec(mail.text) ?? [];
  if (!url) throw new Error(`no link in the mail "${mail.subject}"`);
  return { url, subject, code };
}

// All mails of a run, whichever daemon sent them: each daemon has a mail server of its own, so that a mail says who
// sent it. A copy is {daemon, at, messageId, to, subject, code}: `subject` and `code` are those of its link, and
// undefined for a mail that has none.

import { LINK } from '../lib/mail_sink.mjs';

export class Post {
  copies = [];
  #bySubject = new Map();  // a device's id -> copies of its confirmation mail
  #watchers = new Set();

  /** Takes what comes to this sink from now on. */
  collect(sink, daemon) {
    const { mails } = sink;
    mails.push = (...more) => {
      Array.prototype.push.apply(mails, more);
      for (const mail of more) this.#take(mail, daemon);
      return mails.length;
    };
  }

  #take(mail, daemon) {
    const [, subject, code] = LINK.exec(mail.text) ?? [];
    const copy = { daemon, at: mail.at, messageId: mail.headers.get('message-id'), to: mail.to[0], subject, code };
    this.copies.push(copy);
    if (subject) this.#bySubject.set(subject, [...this.confirmationsOf(subject), copy]);
    for (const watcher of this.#watchers) watcher(copy);
  }

  confirmationsOf(id) {
    return this.#bySubject.get(id) ?? [];
  }

  /** How many different notices (mails without a link) came to an address. */
  noticesTo(address) {
    return new Set(this.copies.filter(({ to, subject }) => to === address && !subject).map(({ messageId }) => messageId)).size;
  }

  /**
   * Calls `act` with each mail at the moment at which it is taken and its sender has no answer yet, until `act` gives
   * true (then so does this) or the time is over (false).
   */
  atNextMail(act, limitMs) {
    return new Promise((resolve) => {
      const end = (acted) => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(acted);
      };
      const watcher = (copy) => act(copy) && end(true);
      const timer = setTimeout(end, limitMs, false);
      this.#watchers.add(watcher);
    });
  }
}

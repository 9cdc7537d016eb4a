// What goes wrong, in the form that documents have it: `error` is a word for programs, `reason` one sentence for a person.

export class ChannelsError extends Error {
  constructor(error, reason, more = {}) {
    super(reason);
    this.name = 'ChannelsError';
    Object.assign(this, { error, reason }, more);
  }
}

/** No answer, or one that says "later": nothing is wrong but the time. */
export class Unavailable extends ChannelsError {
  constructor(reason, more) {
    super('unavailable', reason, more);
  }
}

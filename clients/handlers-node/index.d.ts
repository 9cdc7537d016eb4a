import type { ServerScope } from 'nano';

export interface ChannelsDocument {
  _id: string;
  _rev?: string;
  type?: string;
  state?: string;
  [field: string]: any;
}

export interface Context {
  /** The database that the document is in. */
  db: string;
  mode: 'safe' | 'unsafe';
  /** 1 at the first try of this revision, counted up by each that failed. */
  attempt: number;
  /** The same for every try at this revision: whoever receives it can drop a repeat. */
  attemptKey: string;
  /** When the time limit ends; `signal` is aborted then. An unsafe run that throws afterwards is lost: parked, or with onLost 'retry' run again. */
  deadline: Date;
  signal: AbortSignal;
  /** CouchDB, with the credential that the daemon handed out for this run. */
  readonly couch: ServerScope;
  /** Ends the run, which did nothing: the same document comes again after so many seconds. Counts as a failed try. */
  retryLater(seconds: number, reason?: string): never;
}

/** Gives the document's next revision; nothing, or the same, leaves it as it is. What it throws is tried again with a growing delay. */
export type Handler = (doc: ChannelsDocument, ctx: Context) =>
  ChannelsDocument | null | undefined | void | Promise<ChannelsDocument | null | undefined | void>;

export interface Control {
  /** Idempotent: may run twice, on two workers at once. "*" as type or state stands for any. */
  safe(type: string, state: string, handler: Handler): this;
  /** Must not be run by two racing workers. A run that broke off is parked for a person, or tried again with the same attemptKey. */
  unsafe(type: string, state: string, handler: Handler, options?: { onLost?: 'park' | 'retry' }): this;
}

export const control: Control;

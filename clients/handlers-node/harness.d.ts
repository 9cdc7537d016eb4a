import type { ServerScope } from 'nano';
import type { ChannelsDocument } from './index.js';

export interface Tried {
  mode: 'safe' | 'unsafe';
  /** What would be saved. */
  doc?: ChannelsDocument;
  changed?: boolean;
  error?: { reason: string; retry_after?: number; lost?: boolean };
  /** What the handler threw. */
  thrown?: unknown;
}

/** Hands `doc` to the handler of its type and state; null if there is none. */
export function tryOut(doc: Partial<ChannelsDocument>, options?: {
  couch?: Partial<ServerScope> | object; signal?: AbortSignal; attempt?: number; attemptKey?: string; db?: string;
}): Promise<Tried | null>;

import { sha256 } from '../domain/digest.ts';
import type { LedgerEvent } from '../domain/store.ts';

/** What the first record of every chain names as its predecessor. */
export const GENESIS = '0'.repeat(64);

/** A record before it is linked. `body` is the exact canonical text that will be stored. */
export interface Unlinked {
  readonly chain: string;
  readonly at: number;
  readonly type: string;
  readonly body: string;
}

/** The end of a chain: how many records it has and the hash of the last. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export const EMPTY: Head = { seq: 0, hash: GENESIS };

/**
 * One step of a chain. The fields before the body hold no line feed, so no two records share these bytes.
 * Throws a RangeError for a chain or type that does.
 */
export function hashOf(event: Omit<LedgerEvent, 'hash'>): string {
  const { chain, seq, at, type, previous, body } = event;
  if (chain.includes('\n') || type.includes('\n') || previous.includes('\n'))
    throw new RangeError('a line feed in the chain, type or predecessor of a record');
  return sha256(`signalbox/event\n${chain}\n${seq}\n${at}\n${type}\n${previous}\n${body}`);
}

export function link(head: Head, event: Unlinked): LedgerEvent {
  const linked = { ...event, seq: head.seq + 1, previous: head.hash };
  return { ...linked, hash: hashOf(linked) };
}

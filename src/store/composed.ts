import { canonical } from '../domain/json.ts';
import type { LedgerEvent } from '../domain/store.ts';
import { type Head, link } from '../ledger/chain.ts';
import { codeOf, EVENTS, type EventDraft } from '../ledger/events.ts';
import { bodyOf, type ReadRecord } from '../ledger/read-record.ts';
import { type Bytes, type ChainKey, sealPayload, sealText } from '../ledger/seal.ts';

/** A record ready to be written: linked to the head of its chain, its payload sealed. */
export interface Composed {
  readonly event: LedgerEvent;
  /** Null where there is no payload, or nobody may read it any more. */
  readonly sealed: Uint8Array | null;
}

/** The end of a chain and the key of its payloads: null once the run is erased, and then payloads are withheld. */
export interface ChainEnd {
  readonly head: Head;
  readonly key: ChainKey | null;
}

export function composed({ head, key }: ChainEnd, draft: EventDraft, bytes: Bytes): Composed {
  const { chain, at, type } = draft;
  const withPayload = draft.payload !== undefined;
  const sealed =
    withPayload && key !== null
      ? sealPayload(key, { chain, seq: head.seq + 1 }, draft.payload, bytes)
      : null;
  const body = canonical({
    ...draft.body,
    v: EVENTS[type].version,
    code: codeOf(type, draft.body),
    sealed: sealed?.commitment,
    withheld: withPayload && sealed === null ? true : undefined,
  });
  return { event: link(head, { chain, at, type, body }), sealed: sealed?.sealed ?? null };
}

/** The same for a read, whose texts are made already. */
export function composedRead(
  { head, key }: ChainEnd,
  chain: string,
  at: number,
  read: ReadRecord,
  bytes: Bytes,
): Composed {
  const place = { chain, seq: head.seq + 1 };
  const sealed = key === null ? null : sealText(key, place, read.payload, bytes);
  const body = bodyOf(read.before, read.after, sealed?.commitment ?? null);
  return {
    event: link(head, { chain, at, type: 'action.read', body }),
    sealed: sealed?.sealed ?? null,
  };
}

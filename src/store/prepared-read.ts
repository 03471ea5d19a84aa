import type { Dimension } from '../domain/effect.ts';
import type { HaltScope, Stamp } from '../domain/halt.ts';
import { type JointRead, readRecorded } from '../ledger/read-record.ts';

/**
 * A joint read made ready on the calling thread: what the writer must check, and the texts of its record, encoded once
 * and for all. Between the threads it is two texts (`toTexts`), the first of fields that hold no line feed.
 */
export interface PreparedRead {
  readonly kind: 'read';
  readonly at: number;
  readonly runId: string;
  readonly root: string;
  readonly agent: string;
  readonly refused: 0 | 1;
  readonly stamp: Stamp;
  readonly scopes: readonly HaltScope[];
  readonly draws: readonly Draw[];
  readonly before: string;
  readonly after: string;
  readonly payload: string;
}

/** One limit drawn on: `amount` must fit, `spent` is what is posted. */
export interface Draw {
  readonly key: string;
  readonly dimension: Dimension;
  readonly amount: number;
  readonly limit: number;
  readonly spent: number;
}

const MARK = 'R\n';
const FIELDS = 12;

export function preparedRead(op: JointRead): PreparedRead {
  const { action, outcome } = op;
  const { settlement, posted } = outcome;
  return {
    kind: 'read',
    at: op.at,
    runId: action.runId,
    root: action.root,
    agent: action.agent,
    refused: settlement.kind === 'refused' ? 1 : 0,
    stamp: op.stamp,
    scopes: op.scopes,
    draws: op.reservations.map(({ key, dimension, amount, limit }) => ({
      key,
      dimension,
      amount,
      limit,
      spent: settlement.kind === 'done' ? posted[dimension] : 0,
    })),
    ...readRecorded(op),
  };
}

export function toTexts(read: PreparedRead): [head: string, payload: string] {
  const { at, runId, root, agent, refused, stamp, scopes, draws, before, after } = read;
  let head = `${MARK}${scopes.length}\n${draws.length}\n${at}\n${runId}\n${root}\n${agent}\n${refused}\n${stamp.halt}\n${stamp.bundle}\n${before}\n${after}`;
  for (const scope of scopes) head += `\n${scope}`;
  for (const { key, dimension, amount, limit, spent } of draws)
    head += `\n${key}\n${dimension}\n${amount}\n${limit}\n${spent}`;
  return [head, read.payload];
}

export function isReadText(text: string): boolean {
  return text.startsWith(MARK);
}

/** A read one of whose fields held a line feed: it fails, and nothing else with it. */
export interface Unreadable {
  readonly kind: 'unreadable';
}

export function fromTexts(head: string, payload: string): PreparedRead | Unreadable {
  const fields = head.split('\n');
  const scopes = Number(fields[1]);
  const draws = Number(fields[2]);
  const first = FIELDS + scopes;
  if (fields.length !== first + 5 * draws) return { kind: 'unreadable' };
  const read: Draw[] = [];
  for (let at = first; at < fields.length; at += 5)
    read.push({
      key: fields[at] as string,
      dimension: fields[at + 1] as Dimension,
      amount: Number(fields[at + 2]),
      limit: Number(fields[at + 3]),
      spent: Number(fields[at + 4]),
    });
  return {
    kind: 'read',
    at: Number(fields[3]),
    runId: fields[4] as string,
    root: fields[5] as string,
    agent: fields[6] as string,
    refused: fields[7] === '1' ? 1 : 0,
    stamp: { halt: Number(fields[8]), bundle: fields[9] as string },
    before: fields[10] as string,
    after: fields[11] as string,
    scopes: fields.slice(FIELDS, first),
    draws: read,
    payload,
  };
}

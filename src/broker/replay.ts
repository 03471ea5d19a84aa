import type { Bundle } from '../domain/bundle.ts';
import { Replay, type ReplayReport } from '../policy/replay.ts';
import type { Broker } from './broker.ts';
import { recordedSince } from './recorded.ts';

export interface ReplayOf {
  readonly before: Bundle;
  readonly after: Bundle;
  /** In ms since the epoch. */
  readonly since: number;
  /** Decisions that are read at most. */
  readonly most: number;
}

/** What a bundle would have decided otherwise than another. It tells what is recorded; it permits nothing. */
export async function replay(
  { store }: Pick<Broker, 'store'>,
  { before, after, since, most }: ReplayOf,
): Promise<ReplayReport & { readonly unreadable: number; readonly more: boolean }> {
  const replayed = new Replay(before, after);
  const back = { unreadable: 0, more: false };
  for await (const page of recordedSince(store, { since, most }, back))
    for (const one of page) replayed.add(one);
  return { ...replayed.report(), ...back };
}

import type { HaltScope } from '../domain/halt.ts';
import type { Broker } from './broker.ts';
import { within } from './patience.ts';
import { releaseRun } from './runs.ts';

/** What a halt brought down on this replica. */
export interface BroughtDown {
  readonly aborted: number;
  /** Of those, on their way to their target already. */
  readonly sent: number;
  /** Streams that were closed. */
  readonly streams: number;
  /**
   * Resolves when every aborted flight has landed, the store has its outcome, and what connectors kept is ended; with
   * what could not be ended.
   */
  readonly landed: Promise<readonly string[]>;
}

/**
 * The part of a halt that needs no store: flights are aborted, streams closed, sessions and children of connectors ended.
 * `runs`: those known to be in scope, for what connectors keep by run. Safe to repeat.
 */
export function bringDown(
  broker: Broker,
  scope: HaltScope,
  runs: ReadonlySet<string>,
): BroughtDown {
  const { aborted, sent, landed } = broker.flights.abort(scope);
  const streams = broker.streams.end(scope);
  const cuts = [...broker.connectors.values()].map(
    async (connector) => (await connector.cut?.(scope, runs)) ?? [],
  );
  broker.notices.notify('halt');
  const down = Promise.all(cuts).then((left) => left.flat());
  const recorded = landed.then(() => broker.flights.recorded(scope));
  return { aborted, sent, streams, landed: Promise.all([down, recorded]).then(([left]) => left) };
}

/** By then what flies has mostly come down, and its sources have ended what it used. */
const CLOSES_AFTER_MS = 100;

/**
 * Closes what connectors keep open for these runs: when `over` is, or after a moment. Nobody flies on it, and closing it takes
 * nothing from what must land and be revoked first; should something not come down, closing may be what brings it down.
 */
export async function releaseLater(
  broker: Broker,
  runs: ReadonlySet<string>,
  over: Promise<unknown>,
): Promise<void> {
  await within(broker.doors.timers, CLOSES_AFTER_MS, over);
  await Promise.all([...runs].map((runId) => releaseRun(broker, runId)));
}

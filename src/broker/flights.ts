import { HALT_ABORT, type HaltScope } from '../domain/halt.ts';
import type { ActionSettle } from '../domain/ops.ts';
import { Roster } from '../domain/roster.ts';
import { Stop, type StopSignal } from '../domain/stop.ts';

/** The reason a flight is aborted with when what this replica knows of halts has become too old to go on. */
export const STALE_ABORT = new Error('knowledge of halts is too old');

/** One action in the air. Aborts with its caller until it lands. */
class InTheAir {
  readonly scopes: readonly HaltScope[];
  readonly abort = new Stop();
  /** Made when somebody waits for the landing. */
  landed: PromiseWithResolvers<void> | null = null;
  /** Made when somebody waits for its outcome to be recorded. */
  recorded: PromiseWithResolvers<void> | null = null;
  /** The lease whose credential it was given. */
  leaseId: string | null = null;
  /** On its way to the target: its effect may land whatever is done here. */
  sent = false;
  readonly #outer: StopSignal | undefined;

  constructor(scopes: readonly HaltScope[], outer: StopSignal | undefined) {
    this.scopes = scopes;
    this.#outer = outer;
    if (outer === undefined) return;
    if (outer.aborted) this.handleEvent();
    else outer.addEventListener('abort', this);
  }

  isIn(scope: HaltScope): boolean {
    return this.scopes.includes(scope) || scope === `credential:${this.leaseId}`;
  }

  /** The caller went away. */
  handleEvent(): void {
    this.abort.abort(this.#outer?.reason);
  }

  land(): void {
    this.#outer?.removeEventListener('abort', this);
    this.landed?.resolve();
  }
}

/**
 * Actions in the air, each with the scopes whose halt must bring it down; and those that landed while the store was
 * away, each with the outcome that it did not take. No more than were in the air when it went: without it none begins.
 */
export class Flights {
  readonly #flying = new Roster<string, InTheAir>();
  readonly #owed = new Map<string, ActionSettle | null>();
  /** Those that landed with an outcome that is owed. */
  readonly #unrecorded = new Map<string, InTheAir>();

  /** The signal aborts on a halt in scope, or with `outer` (the caller went away). */
  take(actionId: string, scopes: readonly HaltScope[], outer?: StopSignal): StopSignal {
    const flight = new InTheAir(scopes, outer);
    this.#flying.set(actionId, flight);
    return flight.abort.signal;
  }

  /** It flies with this credential: a halt of that one brings it down too. */
  lent(actionId: string, leaseId: string): void {
    const flight = this.#flying.get(actionId);
    if (flight !== undefined) flight.leaseId = leaseId;
  }

  sent(actionId: string): void {
    const flight = this.#flying.get(actionId);
    if (flight !== undefined) flight.sent = true;
  }

  land(actionId: string): void {
    const flight = this.#flying.get(actionId);
    if (flight === undefined) return;
    this.#flying.delete(actionId);
    if (this.#owed.has(actionId)) this.#unrecorded.set(actionId, flight);
    flight.land();
  }

  /** Aborts everything in `scope`; how many, how many of them were sent already, and when all have landed. */
  abort(scope: HaltScope, reason: Error = HALT_ABORT): Aborted {
    const hit = this.#in(scope);
    for (const { abort } of hit) if (!abort.signal.aborted) abort.abort(reason);
    const landings = hit.map((flight) => {
      flight.landed ??= Promise.withResolvers<void>();
      return flight.landed.promise;
    });
    return {
      aborted: hit.length,
      sent: hit.filter(({ sent }) => sent).length,
      landed: Promise.all(landings).then(() => true as const),
    };
  }

  /** The store did not take this outcome, or (null) did not say whether it took the intent. */
  owe(actionId: string, outcome: ActionSettle | null): void {
    if (outcome !== null || !this.#owed.has(actionId)) this.#owed.set(actionId, outcome);
  }

  /** What is still to be recorded of it; null when nobody here knows what came of it. */
  owed(actionId: string): ActionSettle | null {
    return this.#owed.get(actionId) ?? null;
  }

  /** The store has it. */
  paid(actionId: string): void {
    if (this.#owed.size === 0) return;
    this.#owed.delete(actionId);
    this.#unrecorded.get(actionId)?.recorded?.resolve();
    this.#unrecorded.delete(actionId);
  }

  /** Resolves when the store has the outcome of everything in `scope` that landed while it was away. */
  async recorded(scope: HaltScope): Promise<void> {
    const missing = [...this.#unrecorded.values()].filter((flight) => flight.isIn(scope));
    await Promise.all(
      missing.map((flight) => {
        flight.recorded ??= Promise.withResolvers<void>();
        return flight.recorded.promise;
      }),
    );
  }

  /** Landed, and still to be recorded. */
  allOwed(): readonly string[] {
    if (this.#owed.size === 0) return [];
    return [...this.#owed.keys()].filter((id) => !this.#flying.has(id));
  }

  has(actionId: string): boolean {
    return this.#flying.has(actionId);
  }

  count(scope: HaltScope): number {
    return this.#in(scope).length;
  }

  countSent(scope: HaltScope): number {
    return this.#in(scope).filter(({ sent }) => sent).length;
  }

  /** Runs that have something of this scope in the air, without those above them: a run's own scope comes first. */
  runsIn(scope: HaltScope): readonly string[] {
    return this.#in(scope).flatMap(
      ({ scopes }) => scopes.find((each) => each.startsWith('run:'))?.slice(4) ?? [],
    );
  }

  #in(scope: HaltScope): InTheAir[] {
    return this.#flying.values().filter((flight) => flight.isIn(scope));
  }
}

export interface Aborted {
  readonly aborted: number;
  readonly sent: number;
  readonly landed: Promise<true>;
}

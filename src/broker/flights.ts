import type { HaltScope } from '../domain/halt.ts';

/** Actions in the air, each with the scopes whose halt must bring it down. */
/** The reason a flight is aborted with when a halt brings it down. */
export const HALT_ABORT = new Error('halted');

export class Flights {
  readonly #flying = new Map<string, { scopes: readonly HaltScope[]; abort: AbortController }>();

  /** The signal aborts on a halt in scope, or with `outer` (the caller went away). */
  take(actionId: string, scopes: readonly HaltScope[], outer?: AbortSignal): AbortSignal {
    const abort = new AbortController();
    this.#flying.set(actionId, { scopes, abort });
    return outer === undefined ? abort.signal : AbortSignal.any([abort.signal, outer]);
  }

  land(actionId: string): void {
    this.#flying.delete(actionId);
  }

  /** Aborts everything in `scope` and says how many. */
  abort(scope: HaltScope, reason: Error = HALT_ABORT): number {
    let aborted = 0;
    for (const { scopes, abort } of this.#flying.values()) {
      if (!scopes.includes(scope) || abort.signal.aborted) continue;
      abort.abort(reason);
      aborted++;
    }
    return aborted;
  }

  count(scope: HaltScope): number {
    return [...this.#flying.values()].filter(({ scopes }) => scopes.includes(scope)).length;
  }
}

import type { HaltScope } from '../domain/halt.ts';

/** The reason a flight is aborted with when a halt brings it down. */
export const HALT_ABORT = new Error('halted');

interface InTheAir {
  readonly scopes: readonly HaltScope[];
  readonly abort: AbortController;
  /** Stops listening to the caller's own signal. */
  readonly part: (() => void) | null;
  /** Made when somebody waits for the landing. */
  landed: PromiseWithResolvers<void> | null;
  /** On its way to the target: its effect may land whatever is done here. */
  sent: boolean;
}

/** Actions in the air, each with the scopes whose halt must bring it down. */
export class Flights {
  readonly #flying = new Map<string, InTheAir>();

  /** The signal aborts on a halt in scope, or with `outer` (the caller went away). */
  take(actionId: string, scopes: readonly HaltScope[], outer?: AbortSignal): AbortSignal {
    const abort = new AbortController();
    const part = outer === undefined ? null : follow(abort, outer);
    this.#flying.set(actionId, { scopes, abort, part, landed: null, sent: false });
    return abort.signal;
  }

  sent(actionId: string): void {
    const flight = this.#flying.get(actionId);
    if (flight !== undefined) flight.sent = true;
  }

  land(actionId: string): void {
    const flight = this.#flying.get(actionId);
    if (flight === undefined) return;
    this.#flying.delete(actionId);
    flight.part?.();
    flight.landed?.resolve();
  }

  /** Aborts everything in `scope`; how many, how many of them were sent already, and when all have landed. */
  abort(scope: HaltScope, reason: Error = HALT_ABORT): Aborted {
    const hit = [...this.#flying.values()].filter(({ scopes }) => scopes.includes(scope));
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

  count(scope: HaltScope): number {
    return [...this.#flying.values()].filter(({ scopes }) => scopes.includes(scope)).length;
  }
}

/** Aborts with `outer` until what comes back is called. `AbortSignal.any` does the same at fifty times the price. */
function follow(abort: AbortController, outer: AbortSignal): () => void {
  const aborted = (): void => abort.abort(outer.reason);
  if (outer.aborted) aborted();
  else outer.addEventListener('abort', aborted, { once: true });
  return () => outer.removeEventListener('abort', aborted);
}

export interface Aborted {
  readonly aborted: number;
  readonly sent: number;
  readonly landed: Promise<true>;
}

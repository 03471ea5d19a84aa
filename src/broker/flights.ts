import type { HaltScope } from '../domain/halt.ts';

/** The reason a flight is aborted with when a halt brings it down. */
export const HALT_ABORT = new Error('halted');

interface InTheAir {
  readonly scopes: readonly HaltScope[];
  readonly abort: AbortController;
  readonly landed: PromiseWithResolvers<void>;
  /** On its way to the target: its effect may land whatever is done here. */
  sent: boolean;
}

/** Actions in the air, each with the scopes whose halt must bring it down. */
export class Flights {
  readonly #flying = new Map<string, InTheAir>();

  /** The signal aborts on a halt in scope, or with `outer` (the caller went away). */
  take(actionId: string, scopes: readonly HaltScope[], outer?: AbortSignal): AbortSignal {
    const abort = new AbortController();
    const landed = Promise.withResolvers<void>();
    this.#flying.set(actionId, { scopes, abort, landed, sent: false });
    return outer === undefined ? abort.signal : AbortSignal.any([abort.signal, outer]);
  }

  sent(actionId: string): void {
    const flight = this.#flying.get(actionId);
    if (flight !== undefined) flight.sent = true;
  }

  land(actionId: string): void {
    this.#flying.get(actionId)?.landed.resolve();
    this.#flying.delete(actionId);
  }

  /** Aborts everything in `scope`; how many, how many of them were sent already, and when all have landed. */
  abort(scope: HaltScope, reason: Error = HALT_ABORT): Aborted {
    const hit = [...this.#flying.values()].filter(({ scopes }) => scopes.includes(scope));
    for (const { abort } of hit) if (!abort.signal.aborted) abort.abort(reason);
    return {
      aborted: hit.length,
      sent: hit.filter(({ sent }) => sent).length,
      landed: Promise.all(hit.map(({ landed }) => landed.promise)).then(() => true as const),
    };
  }

  count(scope: HaltScope): number {
    return [...this.#flying.values()].filter(({ scopes }) => scopes.includes(scope)).length;
  }
}

export interface Aborted {
  readonly aborted: number;
  readonly sent: number;
  readonly landed: Promise<true>;
}

import type { Lease } from '../domain/credential.ts';
import { type Halt, type HaltScope, partsOf } from '../domain/halt.ts';
import type { Broker } from './broker.ts';

const NONE: readonly Halt[] = [];

/** The halts that stand on this machine and are not in the store yet. */
export class LocalGate {
  readonly #halts = new Map<HaltScope, Halt>();

  get size(): number {
    return this.#halts.size;
  }

  halts(): readonly Halt[] {
    return this.#halts.size === 0 ? NONE : [...this.#halts.values()];
  }

  /** False when it stands already. */
  close(halt: Halt): boolean {
    if (this.#halts.has(halt.scope)) return false;
    this.#halts.set(halt.scope, halt);
    return true;
  }

  open(scope: HaltScope): void {
    this.#halts.delete(scope);
  }

  /** As far as the lease itself tells: of which run, agent and connection it is. */
  coversLease({ id, runId, agent, connection }: Lease): boolean {
    return [
      'all',
      `run:${runId}`,
      `agent:${agent}`,
      `connection:${connection}`,
      `credential:${id}`,
    ].some((scope) => this.#halts.has(scope));
  }
}

/** Runs in a scope as far as it is known without the store: those that have something in the air. */
export function runsOf(broker: Broker, scope: HaltScope): ReadonlySet<string> {
  const [kind, name] = partsOf(scope);
  return new Set([...broker.flights.runsIn(scope), ...(kind === 'run' ? [name] : [])]);
}

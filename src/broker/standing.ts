import type { Revocability } from '../domain/credential.ts';
import type { Halt } from '../domain/halt.ts';
import type { Broker } from './broker.ts';
import { leasesIn } from './reach.ts';
import { grantsUnder } from './user-grants.ts';

/** A halt in force, with what of its scope is known to be alive. */
export interface StandingHalt extends Halt {
  /** Recorded in the store; false for a halt of this machine that waits for it. */
  readonly recorded: boolean;
  /** Aborted calls of this replica that have not landed. */
  readonly flights: number;
  readonly credentials: readonly AliveCredential[];
}

export interface AliveCredential {
  readonly handle: string;
  readonly connection: string;
  readonly revocability: Revocability;
  /** When it ends by itself, in ms since the epoch; null where nobody knows. */
  readonly until: number | null;
  /** Since when its end is tried here in vain, in ms since the epoch; null when no try has failed here. */
  readonly tryingSince: number | null;
  readonly tries: number;
  readonly why: string | null;
}

/** Every halt in force, those of this machine too. */
export async function standingHalts(broker: Broker): Promise<readonly StandingHalt[]> {
  const { halts } = await broker.store.haltState();
  const all = [
    ...halts.map((halt) => ({ ...halt, recorded: true })),
    ...broker.local.halts().map((halt) => ({ ...halt, recorded: false })),
  ];
  const tries = [...broker.credentials.trying(), ...broker.grants.trying()];
  const trying = new Map(tries.map((each) => [each.leaseId, each]));
  return Promise.all(
    all.map(async (halt) => {
      const isOver = halt.state === 'inert';
      const alive = isOver ? [] : await leasesIn(broker, halt.scope);
      const { ends } = isOver ? { ends: [] } : await grantsUnder(broker, halt.scope, halt.at);
      const granted = ends.map(({ handle, connection }) => ({
        ...{ id: handle, handle, connection: connection.name, revocability: 'bounded' as const },
        expiresAt: null,
      }));
      return {
        ...halt,
        flights: broker.flights.count(halt.scope),
        credentials: [...alive, ...granted].map(
          ({ id, handle, connection, revocability, expiresAt }) => {
            const tried = trying.get(id);
            return {
              ...{ handle, connection, revocability, until: expiresAt },
              tryingSince: tried?.since ?? null,
              tries: tried?.tries ?? 0,
              why: tried?.why ?? null,
            };
          },
        ),
      };
    }),
  );
}

import { hkdfSync } from 'node:crypto';
import type { Connection } from '../domain/bundle.ts';
import type { CredentialIssuer } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { SecretVault } from './secrets.ts';

export interface StraysParts {
  readonly store: Pick<Store, 'leases' | 'commit'>;
  readonly issuers: readonly CredentialIssuer[];
  /** As configured now, by name. */
  readonly connections: () => Promise<{ readonly [name: string]: Connection }>;
  readonly doors: Pick<Doors, 'clock'>;
  readonly log: (line: string) => void;
}

const EVERY_MS = 5 * 60_000;
const TAG_BYTES = 4;

/** Where the mark of a deployment is kept once its master key is not its first any more. */
export const DEPLOYMENT = 'deployment:tag';

/** What stands in the names of what this deployment makes, under any of its master keys. */
export async function tagOf(
  { kept }: Pick<SecretVault, 'kept'>,
  masterKey: Uint8Array,
): Promise<string> {
  const record = await kept(DEPLOYMENT);
  if (record === null) return deploymentTag(masterKey);
  const { tag } = JSON.parse(record) as { readonly tag: string };
  return tag;
}

/** By the first master key: the same on each replica, another one elsewhere. */
export function deploymentTag(masterKey: Uint8Array): string {
  const salt = new Uint8Array();
  const bytes = hkdfSync('sha256', masterKey, salt, 'signalbox/deployment/1', TAG_BYTES);
  return Buffer.from(bytes).toString('hex');
}

/**
 * Looks for credentials that work at their source and belong to no lease: made by an order that arrived after its lease
 * was given up, or by a store that was put back from an older copy. Ended, recorded and told.
 */
export class Strays {
  readonly #parts: StraysParts;
  #busy = false;
  #next = 0;

  constructor(parts: StraysParts) {
    this.#parts = parts;
  }

  /** Every five minutes, whenever called; resolves to how many were ended. Never throws. */
  async look(): Promise<number> {
    const now = this.#parts.doors.clock.monotonic();
    if (this.#busy || now < this.#next) return 0;
    this.#busy = true;
    this.#next = now + EVERY_MS;
    let ended = 0;
    try {
      for (const connection of Object.values(await this.#parts.connections()))
        ended += await this.#lookAt(connection).catch((error: Error) => {
          this.#parts.log(`strays at \`${connection.name}\`: ${error.message}`);
          return 0;
        });
    } catch (error) {
      this.#parts.log(`strays: ${(error as Error).message}`);
    }
    this.#busy = false;
    return ended;
  }

  async #lookAt(connection: Connection): Promise<number> {
    const { store, issuers, doors, log } = this.#parts;
    const issuer = issuers.find(({ kind }) => kind === connection.issuer);
    if (issuer?.madeAt === undefined || issuer.endStray === undefined) return 0;
    const found = await issuer.madeAt(connection);
    if (found.length === 0) return 0;
    // read afterwards: a lease is durable before anything is made for it
    const alive = await store.leases({ state: ['minting', 'live', 'revoking'] });
    const owned = new Set(alive.map(({ handle }) => handle));
    const strays = found.filter((handle) => !owned.has(handle));
    for (const handle of strays) {
      await issuer.endStray(handle, connection);
      log(`\`${handle}\` at \`${connection.name}\` belonged to no lease and was ended`);
    }
    if (strays.length === 0) return 0;
    const body = { connection: connection.name, handles: strays };
    await store.commit({ kind: 'system.note', type: 'lease.stray', body, at: doors.clock.now() });
    return strays.length;
  }
}

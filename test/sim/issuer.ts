import type { Connection } from '../../src/domain/bundle.ts';
import type {
  Credential,
  CredentialIssuer,
  Lease,
  MintRequest,
} from '../../src/domain/credential.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/** Where credentials are made: outlives crashes, knows what still works. */
export class Issuer {
  /** Values of living credentials by lease id. */
  readonly #valid = new Map<string, string>();
  readonly #world: World;
  readonly #witness: Witness;

  constructor(world: World, witness: Witness) {
    this.#world = world;
    this.#witness = witness;
  }

  /** Lease ids of credentials that work. */
  living(): readonly string[] {
    return [...this.#valid.keys()];
  }

  works(credential: Credential | null): boolean {
    if (credential?.kind === 'secret') return true;
    return (
      credential?.kind === 'login' && this.#valid.get(credential.leaseId) === credential.password
    );
  }

  /** What one incarnation has of it. */
  doorsOf(incarnation: number): readonly CredentialIssuer[] {
    const wait = (what: string): Promise<void> => {
      const { schedule, random, faults } = this.#world;
      return schedule.wait(random.latency(faults.issuer.ms), incarnation, what);
    };
    return [this.#roles(wait), fixedSecret(wait)];
  }

  #roles(wait: (what: string) => Promise<void>): CredentialIssuer {
    const world = this.#world;
    const chance = (p: number): boolean => world.random.chance(p);
    return {
      kind: 'sim-role',
      revocability: 'instant',
      lifetimeMs: 600_000,
      handleFor: (leaseId: string) => `role_${leaseId}`,
      mint: async ({ lease }: MintRequest): Promise<Credential> => {
        await wait('mint');
        if (chance(world.faults.issuer.mintFails)) throw new Error('the issuer did not mint');
        const password = Buffer.from(world.random.bytes(8)).toString('hex');
        this.#valid.set(lease.id, password);
        world.count('mints');
        await wait('minted');
        if (chance(world.faults.issuer.mintLost)) throw new Error('the answer of a mint was lost');
        return { kind: 'login', leaseId: lease.id, user: lease.handle, password };
      },
      revoke: async (lease: Lease, _connection: Connection): Promise<void> => {
        await wait('revoke');
        if (chance(world.faults.issuer.revokeFails)) throw new Error('the issuer is out of reach');
        this.#valid.delete(lease.id);
        this.#witness.kill(lease.id);
        world.count('revocations');
        await wait('revoked');
      },
      verifyDead: async (lease: Lease): Promise<boolean> => {
        await wait('verify dead');
        return !chance(world.faults.issuer.notDeadYet) && !this.#valid.has(lease.id);
      },
    };
  }
}

/** A secret that only its owner can rotate. */
function fixedSecret(wait: (what: string) => Promise<void>): CredentialIssuer {
  return {
    kind: 'sim-secret',
    revocability: 'none',
    lifetimeMs: 600_000,
    handleFor: (leaseId: string) => `secret_${leaseId}`,
    mint: async ({ lease }: MintRequest): Promise<Credential> => {
      await wait('secret');
      return { kind: 'secret', leaseId: lease.id, value: 'fixed' };
    },
    revoke: async (): Promise<void> => {},
    verifyDead: async (): Promise<boolean> => false,
  };
}

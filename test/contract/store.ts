/**
 * What every store must do, whatever it is made of. `open` gives a fresh, empty store; the suite closes it.
 * Times are fixed (`T0`), so that a store that reads a clock where an op says `at` is found out.
 */
import { describe } from 'node:test';
import type { Store } from '../../src/domain/store.ts';
import { actionContract } from './store-actions.ts';
import { approvalContract } from './store-approvals.ts';
import { batchContract } from './store-batch.ts';
import { claimContract } from './store-claims.ts';
import { drillContract } from './store-drills.ts';
import { haltContract } from './store-halts.ts';
import { identityContract } from './store-identity.ts';
import { ledgerContract } from './store-ledger.ts';
import { loopContract } from './store-loops.ts';
import { readContract } from './store-reads.ts';
import { runContract } from './store-runs.ts';
import { sealContract } from './store-seals.ts';

export interface OpenStore {
  readonly store: Store;
  /** Closes the store and removes what it left. */
  close(): Promise<void>;
}

export type Open = () => Promise<OpenStore>;

export function storeContract(name: string, open: Open): void {
  describe(`store contract: ${name}`, () => {
    runContract(open);
    actionContract(open);
    readContract(open);
    loopContract(open);
    approvalContract(open);
    haltContract(open);
    identityContract(open);
    ledgerContract(open);
    sealContract(open);
    drillContract(open);
    claimContract(open);
    batchContract(open);
  });
}

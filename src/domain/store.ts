import type { Approval, Ask } from './approval.ts';
import type { Bundle } from './bundle.ts';
import type { Lease } from './credential.ts';
import type { DrillRecord } from './drill.ts';
import type { Dimension } from './effect.ts';
import type { Halt, Stamp } from './halt.ts';
import type { JsonObject } from './json.ts';
import type { Repeats } from './loops.ts';
import type { Op, ResultOf, TokenRow } from './ops.ts';
import type { LiveRun, Run } from './run.ts';
import type { RunCost } from './spend.ts';

/** What gather asks of the store in one read. */
export interface FactsQuery {
  readonly runId: string;
  readonly tool: string;
  /** Finds the open ask of the same proposal, and an earlier unknown outcome in the run tree. */
  readonly argumentsDigest: string;
}

export interface StoreFacts {
  readonly stamp: Stamp;
  readonly run: Run | null;
  /** Every halt that is not lifted, whatever its scope. */
  readonly halts: readonly Halt[];
  /** The newest ask of this proposal that is pending, approved or refused, expired or not. */
  readonly approval: Approval | null;
  /** Action id of an earlier same call in the run tree whose outcome is unknown. */
  readonly unknownRepeat: string | null;
  /** How many actions the run tree has on record; null where nobody else could have added one. */
  readonly treeActions: number | null;
}

export interface Usage {
  readonly key: string;
  readonly dimension: Dimension;
  readonly posted: number;
  readonly pending: number;
}

/** An intent without outcome, for recover.ts. */
export interface OpenAction {
  readonly id: string;
  readonly runId: string;
  readonly tool: string;
  readonly toolDigest: string;
  /** Where it was sent: of a staged call, the staging connection. */
  readonly connection: string;
  readonly purpose: 'execute' | 'preview';
  readonly trace: JsonObject | null;
  readonly state: 'open' | 'running';
  /** Digest of the bundle it was admitted under: its tool is looked up there. */
  readonly bundle: string;
  readonly admittedAt: number;
  /** The replica that recorded it; null: none that lives. */
  readonly replica: string | null;
}

/** A lease, and the replica that made it; null: none that lives. */
export type OwnedLease = Lease & { readonly replica: string | null };

/** One record of a chain, as stored. `body` is the exact canonical text that was hashed. */
export interface LedgerEvent {
  readonly chain: string;
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
}

/** A record with its payload decrypted; null once erased, absent where the record never had one. */
export interface ReadableEvent extends LedgerEvent {
  readonly payload?: JsonObject | null;
}

export interface RunSummary {
  readonly run: Run;
  /** The replica that began it; null: none that lives. */
  readonly replica: string | null;
  readonly actions: number;
  readonly refused: number;
  readonly pendingApprovals: number;
  readonly lastAt: number;
}

/** How far the ledger is sealed, and by which key. */
export interface Seal {
  /** The public key in its text form. */
  readonly verifier: string;
  /** The secret of it, encrypted under the master key (ledger/seal.ts). */
  readonly signer: Uint8Array;
  /** Records in the tree. */
  readonly size: number;
  /** Records that wait for it. */
  readonly unsealed: number;
  /** The newest checkpoint that was signed. */
  readonly checkpoint: { readonly note: string; readonly at: number } | null;
}

/** Hashes of the tree, 32 bytes each (ledger/tiles.ts). */
export interface StoredTile {
  readonly level: number;
  readonly place: number;
  readonly hashes: Uint8Array;
}

export const SYSTEM_CHAIN = 'system';

/** One process of a deployment, as the store knows it. */
export interface Replica {
  readonly id: string;
  /** Milliseconds since its last beat, by the store's own clock. */
  readonly quietMs: number;
  /** Everything that a halt up to this number had to bring down has landed there. */
  readonly landed: number;
}

/** What a beat brings back: what stands now, and who else serves. */
export interface Beat {
  readonly stamp: Stamp;
  readonly halts: readonly Halt[];
  /** Every replica that has beaten and not said goodbye, this one included. */
  readonly replicas: readonly Replica[];
}

/**
 * The batch store: many small transactions, one durable commit. A promise of `commit` resolves after the fsync.
 * Any rejection means the store is not to be trusted now: the caller fails closed.
 */
export interface Store {
  /** This process among those that share the store; new with every opening. */
  readonly replica: string;
  /** Nobody else can change what this process knows of it, so that what it knows is never old. */
  readonly alone: boolean;

  commit<O extends Op>(op: O): Promise<ResultOf<O>>;

  /** One consistent snapshot of what is committed. */
  factsFor(query: FactsQuery): Promise<StoreFacts>;
  usage(keys: readonly string[]): Promise<readonly Usage[]>;
  /** The present stamp and unlifted halts; also proves that the store can be reached. */
  haltState(): Promise<{ readonly stamp: Stamp; readonly halts: readonly Halt[] }>;

  /**
   * Says that this replica lives, and up to which halt number its flights have landed; proves that the store can be
   * reached. Kept apart from the ledger and not durable by itself.
   */
  beat(landed: number): Promise<Beat>;
  /**
   * Tells what changed elsewhere, by the keys of notices (`halt NUMBER SCOPE`, `halt` when one was lifted, `landed`,
   * `bundle`, `ask:ID`, `run:ID`). Only ever faster than
   * asking: a notice may be lost, late or doubled. Returns how to stop listening.
   */
  watch(heard: (key: string) => void): () => void;

  /** What there is of one call in a run tree, over all its runs. */
  repeats(call: {
    readonly root: string;
    readonly tool: string;
    readonly argumentsDigest: string;
  }): Promise<Repeats>;
  /** The newest records of what the runs of a tree did, at most so many, in the order in which they were made. */
  trail(root: string, most: number): Promise<readonly ReadableEvent[]>;

  /** What a run tree has cost so far. */
  cost(root: string): Promise<RunCost>;
  /** What those run trees of an agent cost that ended last and were never halted, at most `CLASS_RUNS`. */
  costsOf(agent: string): Promise<readonly RunCost[]>;

  bundle(digest: string): Promise<Bundle | null>;
  token(hash: string): Promise<TokenRow | null>;
  operator(
    name: string,
  ): Promise<{ readonly name: string; readonly role: 'owner' | 'operator' } | null>;
  operatorCount(): Promise<number>;
  secret(name: string): Promise<{ readonly sealed: string; readonly version: number } | null>;
  secretNames(): Promise<
    readonly { readonly name: string; readonly version: number; readonly at: number }[]
  >;

  /** Somebody has taken it (`claim.take`), and it is not forgotten yet. */
  isTaken(claim: string): Promise<boolean>;

  openActions(): Promise<readonly OpenAction[]>;
  leases(filter: {
    readonly state?: readonly Lease['state'][];
    readonly runId?: string;
  }): Promise<readonly OwnedLease[]>;

  run(id: string): Promise<Run | null>;
  /** All that live, without what was said of them: a halt waits for this. */
  liveRuns(): Promise<readonly LiveRun[]>;
  /** This root and every run under it that there ever was, ids only. */
  runsUnder(root: string): Promise<readonly string[]>;
  runs(filter: {
    readonly limit: number;
    readonly state?: Run['state'];
  }): Promise<readonly RunSummary[]>;
  asks(filter: {
    readonly limit: number;
    readonly state?: Approval['state'];
  }): Promise<readonly Ask[]>;
  ask(id: string): Promise<Ask | null>;
  /** `runOf`: the run of an action or approval id. */
  runOf(id: string): Promise<string | null>;
  timeline(chain: string, after?: number, limit?: number): Promise<readonly ReadableEvent[]>;
  /** Drills, newest first. */
  drills(limit: number): Promise<readonly DrillRecord[]>;
  /** Chains with their length and head, for verify. */
  chains(): Promise<
    readonly { readonly chain: string; readonly length: number; readonly head: string }[]
  >;

  /** Null before anything was sealed. */
  seal(): Promise<Seal | null>;
  /** Those of these tiles that there are. */
  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]): Promise<readonly StoredTile[]>;
  /** The place of a record in the tree; null while it is not in it. */
  leafOf(chain: string, seq: number): Promise<number | null>;

  close(): Promise<void>;
}

import type { Halt, Stamp } from '../../domain/halt.ts';
import type { Op, TokenRow } from '../../domain/ops.ts';
import type { Run } from '../../domain/run.ts';
import type { Usage } from '../../domain/store.ts';
import type { Drawn } from '../ground.ts';

/** Entries of each kind; beyond it all of the kind are let go and read again. */
const KEPT = 4_096;

/** A map that forgets everything rather than grow. */
class Kept<V> extends Map<string, V> {
  keep(key: string, value: V): V {
    if (this.size >= KEPT) this.clear();
    this.set(key, value);
    return value;
  }
}

export interface InForce {
  readonly stamp: Stamp;
  readonly halts: readonly Halt[];
}

/**
 * What the calling thread remembers of what it read. Exact as far as anybody was told: every commit goes through this
 * process's queue, and what it changes is forgotten before its promise resolves. A read in between may already see more
 * than was told; then the commit's answer makes it be read again.
 */
export class Snapshot {
  inForce: InForce | null = null;
  readonly runs = new Kept<Run>();
  readonly tokens = new Kept<TokenRow>();
  /** All rows of a key. */
  readonly usage = new Kept<readonly Usage[]>();
  /** Runs without an ask that is pending, approved or refused. */
  readonly askless = new Kept<true>();
  /** Run trees without an action that is `unknown` or `running`. */
  readonly certain = new Kept<true>();

  /** What these ops did is durable, or was refused: either way it is looked at anew. */
  heard(ops: readonly Op[], drawn: readonly Readonly<Drawn>[]): void {
    for (const op of ops) this.#forget(op);
    for (const row of drawn) this.#learn(row);
  }

  #forget(op: Op): void {
    switch (op.kind) {
      case 'action.admit':
        if (op.approvalId !== null) this.askless.delete(op.action.runId);
        if (isOpenEnded(op.outcome?.settlement.kind)) this.certain.clear();
        return;
      case 'action.settle':
        if (isOpenEnded(op.settlement.kind)) this.certain.clear();
        return;
      case 'action.park':
        this.askless.delete(op.action.runId);
        return;
      case 'run.end':
        // and with it those under it
        for (const [id, { actsFor }] of this.runs)
          if (id === op.runId || actsFor.some(({ run }) => run === op.runId)) this.runs.delete(id);
        this.tokens.clear();
        return;
      case 'token.renew':
      case 'token.revoke':
        this.tokens.delete(op.hash);
        return;
      case 'operator.add':
        this.tokens.delete(op.setupHash);
        return;
      // Nothing that is remembered: what was not there is not, and an ask that is over stays one.
      case 'run.spend':
      case 'run.refund':
      case 'action.mark':
      case 'action.decline':
      case 'approval.answer':
      case 'approval.void':
      case 'run.begin':
      case 'run.say':
      case 'token.issue':
      case 'agent.enrol':
      case 'lease.write':
      case 'secret.set':
      case 'secret.forget':
      case 'drill.begin':
      case 'drill.keep':
      case 'claim.take':
      case 'ledger.seal':
      case 'system.note':
        return;
      case 'bundle.apply':
      case 'halt.raise':
      case 'halt.inert':
      case 'halt.lift':
      case 'ledger.erase':
        this.forget();
        return;
      default:
        op satisfies never;
        this.forget();
    }
  }

  forget(): void {
    this.inForce = null;
    for (const kept of [this.runs, this.tokens, this.usage, this.askless, this.certain])
      kept.clear();
  }

  #learn({ key, dimension, posted, pending }: Readonly<Drawn>): void {
    const known = this.usage.get(key);
    if (known === undefined) return;
    const others = known.filter((row) => row.dimension !== dimension);
    this.usage.set(key, [...others, { key, dimension, posted, pending }]);
  }
}

function isOpenEnded(kind: string | undefined): boolean {
  return kind === 'unknown' || kind === 'running';
}

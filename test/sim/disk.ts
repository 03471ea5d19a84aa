import type { Op } from '../../src/domain/ops.ts';
import type { Store } from '../../src/domain/store.ts';
import { type Applied, openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import type { Plant } from './plants.ts';
import type { StoreWatch } from './store-watch.ts';
import type { World } from './world.ts';

export const MASTER_KEY = Buffer.alloc(32, 7);

let disks = 0;

/**
 * What survives a crash: one database in memory, shared by name. Each incarnation opens the store's real core over it
 * anew; a second one only looks, for the checks, and keeps the memory while nothing else does.
 */
export class Disk {
  /** For reading what is committed, whoever lives. */
  readonly reader: Store;
  /** Something was committed since the last look. */
  isTouched = false;
  readonly #world: World;
  readonly #watch: StoreWatch;
  readonly #plant: Plant | null;
  readonly #file: string;
  readonly #keeper: SqliteCore;

  constructor(world: World, watch: StoreWatch, plant: Plant | null) {
    this.#world = world;
    this.#watch = watch;
    this.#plant = plant;
    this.#file = `file:/signalbox-sim-${++disks}?vfs=memdb`;
    this.#keeper = this.open();
    this.reader = storeOver(this.#keeper, MASTER_KEY, world.doors(0));
  }

  open(): SqliteCore {
    const { random, now } = this.#world;
    const bytes = (length: number): Uint8Array => random.bytes(length);
    return openSqliteCore({ file: this.#file, masterKey: MASTER_KEY, bytes, at: now });
  }

  /** One durable commit. What it did is checked before anybody hears of it. */
  commit(core: SqliteCore, ops: readonly Op[]): Applied[] {
    const carried = ops.map((op) => this.#plant?.carries?.(op) ?? op);
    const applied = core.apply(carried);
    this.isTouched = true;
    for (const [index, op] of ops.entries()) {
      const answer = applied[index] as Applied;
      this.#world.tell(`commit ${wordsOf(op)}: ${outcomeOf(answer)}`);
      if ('result' in answer) this.#watch.committed(op, answer.result);
      else if (answer.fault.code === 'INTERNAL')
        this.#world.broken('no_internal_fault', `${wordsOf(op)}: ${answer.fault.message}`);
      if ('result' in answer && answer.result.ok) this.#plant?.tampers?.(op, core.database);
    }
    return applied;
  }

  /** Every chain, every payload, and every table against the replay of the records. */
  async verify(): Promise<void> {
    const { ok, problems } = await verifyDatabase(this.#keeper.database, { masterKey: MASTER_KEY });
    this.#world.count('verified');
    if (!ok) this.#world.broken('ledger_is_evidence', problems.slice(0, 3).join(' | '));
  }

  close(): void {
    this.#keeper.close();
  }
}

function outcomeOf(answer: Applied): string {
  if ('fault' in answer) return answer.fault.code;
  return answer.result.ok ? 'ok' : answer.result.because;
}

function wordsOf(op: Op): string {
  switch (op.kind) {
    case 'action.admit':
    case 'action.decline':
    case 'action.park':
      return `${op.kind} ${op.action.id} ${op.action.tool} ${op.action.purpose}`;
    case 'action.mark':
      return `${op.kind} ${op.actionId}`;
    case 'action.settle':
      return `${op.kind} ${op.actionId} ${op.settlement.kind} by ${op.by}`;
    case 'halt.raise':
    case 'halt.lift':
    case 'halt.inert':
      return `${op.kind} ${op.scope}`;
    case 'lease.write':
      return `${op.kind} ${op.lease.id} ${op.lease.state}`;
    case 'approval.answer':
      return `${op.kind} ${op.approvalId} ${op.answer}`;
    default:
      return op.kind;
  }
}

import type { Op } from '../../src/domain/ops.ts';
import type { Usage } from '../../src/domain/store.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import type { Answers } from '../../src/store/wire.ts';
import type { Applied } from '../../src/store/work.ts';
import { CLUMSY } from './clumsy.ts';
import type { Plant } from './plants.ts';
import { MASTER_KEY, type Sent, usageOnDisk, write } from './sqlite.ts';
import type { StoreWatch } from './store-watch.ts';
import type { World } from './world.ts';

let disks = 0;

/**
 * What survives a crash: one database in memory, shared by name. Each incarnation opens the store's real core over it
 * anew; a second one only looks, for the checks, and keeps the memory while nothing else does.
 */
export class Disk {
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
  }

  open(): SqliteCore {
    const { random, now } = this.#world;
    const bytes = (length: number): Uint8Array => random.bytes(length);
    return openSqliteCore({ file: this.#file, masterKey: MASTER_KEY, bytes, at: now });
  }

  /** One durable commit. What it did is checked before anybody hears of it. */
  commit(core: SqliteCore, sent: readonly Sent[]): Answers {
    const carried = sent.map((one) => this.#plant?.carries?.(one) ?? one.work);
    const { applied, answers } = write(core, carried);
    this.isTouched = true;
    for (const [index, { op }] of sent.entries()) {
      const answer = applied[index] as Applied;
      this.#world.tell(`commit ${wordsOf(op)}: ${outcomeOf(answer)}`);
      if ('result' in answer) this.#watch.committed(op, answer.result);
      else if (answer.fault.code === 'INTERNAL' && !isClumsy(op))
        this.#world.broken('no_internal_fault', `${wordsOf(op)}: ${answer.fault.message}`);
      if ('result' in answer && answer.result.ok) this.#plant?.tampers?.(op, core.database);
    }
    return answers;
  }

  usage(keys: readonly string[]): readonly Usage[] {
    return usageOnDisk(this.#keeper, keys);
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

function isClumsy(op: Op): boolean {
  return op.kind === 'action.admit' && op.action.via === CLUMSY;
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

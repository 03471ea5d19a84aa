import type { Dimension } from '../../domain/effect.ts';
import type {
  ActionGate,
  ApprovalGate,
  Charge,
  Control,
  Drawn,
  InForce,
  NewAction,
  RowsFace,
  RunGate,
  StandingFace,
} from '../ground.ts';

/** What was read of the tables under the locks of this transaction. */
export interface Loaded {
  readonly control: Control;
  readonly in_force: readonly InForce[] | null;
  /** Halts since the oldest thing this batch asks about. */
  readonly later: readonly InForce[] | null;
  /** The runs of the batch and everything above them. */
  readonly runs: readonly RunGate[] | null;
  readonly actions: readonly StoredAction[] | null;
  readonly approvals: readonly (ApprovalGate & { readonly id: string })[] | null;
}

interface StoredAction {
  readonly id: string;
  readonly run_id: string;
  readonly state: string;
  readonly halt: number | null;
  readonly reservations: string;
}

export interface ActionChange {
  readonly id: string;
  readonly state: string | null;
  readonly settledAt: number | null;
  readonly trace: string | null;
  readonly leaseId: string | null;
  readonly isErased: boolean;
}

/** What is still to be written of the tables. */
export interface TableWrites {
  readonly actions: readonly NewAction[];
  readonly changes: readonly ActionChange[];
  readonly used: readonly { readonly id: string; readonly actionId: string }[];
  readonly usage: readonly Readonly<Drawn>[];
  readonly counts: readonly (readonly [run: string, actions: number, refused: number])[];
}

/**
 * The tables as this transaction sees them, in memory: read and locked before the first op is looked at, written
 * together after the last. What an op did is taken back step by step.
 */
export class Picture implements StandingFace, RowsFace {
  #loaded: Loaded | null = null;
  readonly #runs = new Map<string, RunGate>();
  readonly #actions = new Map<string, ActionGate>();
  readonly #approvals = new Map<string, ApprovalGate>();
  readonly #usage = new Map<string, Drawn>();
  readonly #drawn = new Set<Drawn>();
  #counts = new Map<string, { actions: number; refused: number }>();
  #inserts: NewAction[] = [];
  #changes: ActionChange[] = [];
  #used: { id: string; actionId: string }[] = [];
  /** How to take back what the present op did, last first. */
  #undo: (() => void)[] = [];

  show(loaded: Loaded): void {
    this.#loaded = loaded;
    for (const kept of [this.#runs, this.#actions, this.#approvals]) kept.clear();
    for (const run of loaded.runs ?? []) this.#runs.set(run.id, run);
    for (const approval of loaded.approvals ?? []) this.#approvals.set(approval.id, approval);
    for (const { id, run_id: runId, state, halt, reservations } of loaded.actions ?? [])
      this.#actions.set(id, {
        runId,
        state,
        halt,
        reservations: JSON.parse(reservations) as Charge[],
      });
  }

  /** Rows of usage that were locked. */
  hold(rows: readonly Drawn[]): void {
    for (const row of rows) this.#usage.set(`${row.key}\n${row.dimension}`, { ...row });
  }

  control(): Control {
    return this.#known.control;
  }
  haltsInForce(): readonly InForce[] {
    return this.#known.in_force ?? [];
  }
  haltsAfter(epoch: number): readonly InForce[] {
    return (this.#known.later ?? []).filter((halt) => halt.epoch > epoch);
  }
  run(id: string): RunGate | undefined {
    return this.#runs.get(id);
  }

  lineOf(runId: string): RunGate[] {
    const line: RunGate[] = [];
    for (let run = this.#runs.get(runId); run !== undefined && !line.includes(run); ) {
      line.push(run);
      run = run.parent === null ? undefined : this.#runs.get(run.parent);
    }
    return line;
  }

  action(id: string): ActionGate | undefined {
    return this.#actions.get(id);
  }
  opened(id: string, action: ActionGate): void {
    this.#put(this.#actions, id, action);
  }
  /** What it became was said by `closeAction` or `runAction`. */
  closed(): void {}

  used(key: string, dimension: Dimension): Drawn {
    const row = this.#usage.get(`${key}\n${dimension}`);
    if (row === undefined) throw new Error(`the usage \`${dimension}\` was not locked`);
    return row;
  }

  draw(key: string, dimension: Dimension, posted: number, pending: number): void {
    const row = this.used(key, dimension);
    const before = { posted: row.posted, pending: row.pending };
    row.posted += posted;
    row.pending += pending;
    this.#drawn.add(row);
    this.#undo.push(() => Object.assign(row, before));
  }

  count(runId: string, actions: 0 | 1, refused: 0 | 1): void {
    const before = this.#counts.get(runId) ?? { actions: 0, refused: 0 };
    const after = { actions: before.actions + actions, refused: before.refused + refused };
    this.#put(this.#counts, runId, after);
  }

  approval(id: string): ApprovalGate | undefined {
    return this.#approvals.get(id);
  }

  useApproval(id: string, actionId: string): void {
    const approval = this.#approvals.get(id);
    if (approval !== undefined) this.#put(this.#approvals, id, { ...approval, state: 'used' });
    this.#push(this.#used, { id, actionId });
  }

  insertAction(action: NewAction): void {
    this.#push(this.#inserts, action);
  }
  markAction(id: string, trace: string, leaseId: string | null): void {
    this.#push(this.#changes, { ...NO_CHANGE, id, trace, leaseId });
  }
  runAction(id: string): void {
    this.#become(id, 'running');
    this.#push(this.#changes, { ...NO_CHANGE, id, state: 'running' });
  }
  closeAction(id: string, state: string, at: number, isErased: boolean): void {
    this.#become(id, state);
    this.#push(this.#changes, { ...NO_CHANGE, id, state, settledAt: at, isErased });
  }

  get isTouched(): boolean {
    return this.#undo.length > 0;
  }

  /** The op stands. */
  settle(): void {
    this.#undo = [];
  }

  /** The op was taken back. */
  takeBack(): void {
    for (const back of this.#undo.reverse()) back();
    this.#undo = [];
  }

  take(): TableWrites {
    const taken = {
      actions: this.#inserts,
      changes: this.#changes,
      used: this.#used,
      usage: [...this.#drawn],
      counts: [...this.#counts].map(
        ([run, { actions, refused }]) => [run, actions, refused] as const,
      ),
    };
    this.#inserts = [];
    this.#changes = [];
    this.#used = [];
    this.#counts = new Map();
    this.#drawn.clear();
    return taken;
  }

  get #known(): Loaded {
    if (this.#loaded === null) throw new Error('the tables were not read');
    return this.#loaded;
  }

  #become(id: string, state: string): void {
    const action = this.#actions.get(id);
    if (action !== undefined) this.#put(this.#actions, id, { ...action, state });
  }

  #put<V>(map: Map<string, V>, key: string, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => {
      if (before === undefined) map.delete(key);
      else map.set(key, before);
    });
  }

  #push<V>(list: V[], value: V): void {
    list.push(value);
    this.#undo.push(() => list.pop());
  }
}

const NO_CHANGE = { state: null, settledAt: null, trace: null, leaseId: null, isErased: false };

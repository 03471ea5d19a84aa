import type { ActionRecord } from '../../src/domain/action-record.ts';
import type { Approval } from '../../src/domain/approval.ts';
import type { Bundle, Tool } from '../../src/domain/bundle.ts';
import type { Lease } from '../../src/domain/credential.ts';
import type { Halt } from '../../src/domain/halt.ts';
import type { Reservation } from '../../src/domain/ops.ts';
import type { Run } from '../../src/domain/run.ts';

/** An action as the committed ops tell it. */
export interface KnownAction {
  readonly record: ActionRecord;
  readonly tool: Tool | null;
  readonly approvalId: string | null;
  readonly reservations: readonly Reservation[];
  /** The halt number when its intent was recorded. */
  readonly epoch: number;
  /** The replica that recorded it. */
  readonly replica: string | null;
  isMarked: boolean;
  state:
    | 'open'
    | 'running'
    | 'done'
    | 'failed'
    | 'refused'
    | 'unknown'
    | 'denied'
    | 'drafted'
    | 'parked';
}

export interface KnownHalt {
  readonly scope: string;
  state: Halt['state'];
}

/**
 * What the store must hold, told by the ops it committed and by nothing else: kept apart from the store's own tables,
 * so that the two can be held against each other.
 */
export class Model {
  epoch = 0;
  bundle: Bundle | null = null;
  readonly runs = new Map<string, Run>();
  readonly halts = new Map<number, KnownHalt>();
  readonly actions = new Map<string, KnownAction>();
  readonly approvals = new Map<string, Approval>();
  readonly usage = new Map<string, { posted: number; pending: number }>();
  readonly leases = new Map<string, Lease>();
  /** By lease: the replica that made it. */
  readonly owners = new Map<string, string>();

  /** Halts not lifted over an action of this run; with `since`, also those raised later and lifted again. */
  haltsOver(scopes: readonly string[], since = Number.POSITIVE_INFINITY): [number, KnownHalt][] {
    return [...this.halts].filter(
      ([epoch, { scope, state }]) =>
        scopes.includes(scope) && (state !== 'lifted' || epoch > since),
    );
  }

  scopesOf(runId: string, tool: string, connection: string): string[] {
    return [...this.scopesOfRun(runId), `tool:${tool}`, `connection:${connection}`];
  }

  scopesOfRun(runId: string): string[] {
    return [
      'all',
      ...this.pathOf(runId).flatMap(({ id, agent }) => [`run:${id}`, `agent:${agent}`]),
    ];
  }

  /** A run and those it stands under, itself first. */
  pathOf(runId: string): Run[] {
    const path: Run[] = [];
    let run = this.runs.get(runId);
    while (run !== undefined) {
      path.push(run);
      run = run.parent === null ? undefined : this.runs.get(run.parent);
    }
    return path;
  }

  /** A run and all under it. */
  treeUnder(runId: string): Run[] {
    return [...this.runs.values()].filter(({ id }) =>
      this.pathOf(id).some((above) => above.id === runId),
    );
  }

  approve(id: string, change: Partial<Approval>): void {
    const known = this.approvals.get(id);
    if (known !== undefined) this.approvals.set(id, { ...known, ...change });
  }

  openApprovals(): Approval[] {
    return [...this.approvals.values()].filter(
      ({ state }) => state === 'pending' || state === 'approved',
    );
  }

  draw(action: KnownAction): void {
    for (const { key, dimension, amount } of action.reservations) {
      const line = this.lineOf(key, dimension);
      line.pending += amount;
    }
  }

  lineOf(key: string, dimension: string): { posted: number; pending: number } {
    const name = `${key}\n${dimension}`;
    const line = this.usage.get(name) ?? { posted: 0, pending: 0 };
    this.usage.set(name, line);
    return line;
  }

  openActions(): KnownAction[] {
    return [...this.actions.values()].filter(
      ({ state }) => state === 'open' || state === 'running',
    );
  }
}

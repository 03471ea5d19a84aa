import type { Dimension } from '../../domain/effect.ts';
import type { Work } from '../work.ts';

/** What a batch must lock and read before its first op is looked at. */
export interface Places {
  /** Nobody else may write meanwhile (locks.ts). */
  readonly isAlone: boolean;
  /** Chains of runs to lock, and whose runs to read. */
  readonly runs: readonly string[];
  /** Runs whose whole trees are locked against growing, before any chain. */
  readonly trees: readonly string[];
  /** Runs that end, and with them what lives under them: those chains are locked too. */
  readonly ends: readonly string[];
  /** Runs that are only read, with everything above them. */
  readonly gates: readonly string[];
  readonly actions: readonly string[];
  readonly approvals: readonly string[];
  /** Hashes: a token's chain is its run's. */
  readonly tokens: readonly string[];
  readonly usage: readonly { readonly key: string; readonly dimension: Dimension }[];
  /** The oldest halt number that something in the batch was asked under. */
  readonly since: number | null;
}

interface Gathering {
  isAlone: boolean;
  readonly runs: Set<string>;
  readonly trees: Set<string>;
  readonly ends: Set<string>;
  readonly gates: Set<string>;
  readonly actions: Set<string>;
  readonly approvals: Set<string>;
  readonly tokens: Set<string>;
  readonly usage: Map<string, { key: string; dimension: Dimension }>;
  since: number | null;
}

export function placesOf(works: readonly Work[]): Places {
  const into: Gathering = {
    isAlone: false,
    runs: new Set(),
    trees: new Set(),
    ends: new Set(),
    gates: new Set(),
    actions: new Set(),
    approvals: new Set(),
    tokens: new Set(),
    usage: new Map(),
    since: null,
  };
  for (const work of works) gather(into, work);
  const { isAlone, since } = into;
  return {
    isAlone,
    since,
    runs: [...into.runs],
    trees: [...into.trees],
    ends: [...into.ends],
    gates: [...into.gates],
    actions: [...into.actions],
    approvals: [...into.approvals],
    tokens: [...into.tokens],
    usage: [...into.usage.values()],
  };
}

function gather(into: Gathering, work: Work): void {
  switch (work.kind) {
    case 'read':
    case 'run.spend':
    case 'run.refund':
    case 'run.say':
    case 'ledger.erase':
      into.runs.add(work.runId);
      if ('draws' in work) draws(into, work.draws);
      else if ('back' in work) draws(into, work.back);
      return;
    case 'action.admit':
      into.runs.add(work.action.runId);
      if (work.approvalId !== null) into.approvals.add(work.approvalId);
      draws(into, work.reservations);
      return;
    case 'action.mark':
    case 'action.settle':
      into.runs.add(work.runId);
      into.actions.add(work.actionId);
      return;
    case 'action.decline':
    case 'action.park':
      into.runs.add(work.action.runId);
      if (work.kind === 'action.decline') return;
      into.since = Math.min(into.since ?? Number.MAX_SAFE_INTEGER, work.approval.binding.halt);
      return;
    case 'approval.answer':
    case 'approval.void':
      into.approvals.add(work.approvalId);
      return;
    case 'run.begin':
      if (work.run.parent === null) return;
      into.gates.add(work.run.parent);
      into.trees.add(work.run.parent);
      return;
    case 'run.end':
      into.trees.add(work.runId);
      into.ends.add(work.runId);
      into.runs.add(work.runId);
      return;
    case 'lease.write':
      into.runs.add(work.lease.runId);
      return;
    case 'token.issue':
      if (work.token.kind === 'run') into.runs.add(work.token.subject);
      return;
    case 'token.renew':
    case 'token.revoke':
      into.tokens.add(work.hash);
      return;
    case 'bundle.apply':
    case 'halt.raise':
    case 'halt.lift':
      into.isAlone = true;
      return;
    // Of the system chain only, which is locked when it is written; or nothing that can be done at all.
    case 'halt.inert':
    case 'agent.enrol':
    case 'operator.add':
    case 'secret.set':
    case 'secret.forget':
    case 'drill.begin':
    case 'drill.keep':
    case 'claim.take':
    case 'ledger.seal':
    case 'system.note':
    case 'unreadable':
      return;
    default:
      work satisfies never;
  }
}

function draws(
  into: Gathering,
  drawn: readonly { readonly key: string; readonly dimension: Dimension }[],
): void {
  for (const { key, dimension } of drawn)
    into.usage.set(`${key}\n${dimension}`, { key, dimension });
}

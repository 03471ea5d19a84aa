import type { Op, OpResults } from '../../domain/ops.ts';
import { fault } from '../ground.ts';
import type { Rare } from '../look-first.ts';
import type { Work } from '../work.ts';
import { answer, park, voidApproval } from './op-approvals.ts';
import { take } from './op-claims.ts';
import { beginDrill, keepDrill } from './op-drills.ts';
import { inert, lift, raise } from './op-halts.ts';
import {
  addOperator,
  enrol,
  forgetSecret,
  issue,
  renew,
  revoke,
  setSecret,
} from './op-identity.ts';
import { applyBundle, erase, isLeaseEnd, note, writeLease } from './op-ledger.ts';
import { beginRun, endRun, say } from './op-runs.ts';
import { seal } from './op-seal.ts';
import type { Transaction } from './transaction.ts';

type Handlers = {
  readonly [K in Rare['kind']]: (
    tx: Transaction,
    op: Extract<Op, { readonly kind: K }>,
  ) => Promise<OpResults[K]>;
};

const HANDLERS: Handlers = {
  'bundle.apply': applyBundle,
  'run.begin': beginRun,
  'run.end': endRun,
  'run.say': say,
  'action.park': park,
  'approval.answer': answer,
  'approval.void': voidApproval,
  'halt.raise': raise,
  'halt.inert': inert,
  'halt.lift': lift,
  'lease.write': writeLease,
  'token.issue': issue,
  'token.renew': renew,
  'token.revoke': revoke,
  'agent.enrol': enrol,
  'operator.add': addOperator,
  'secret.set': setSecret,
  'secret.forget': forgetSecret,
  'ledger.erase': erase,
  'drill.begin': beginDrill,
  'drill.keep': keepDrill,
  'claim.take': take,
  'ledger.seal': seal,
  'system.note': note,
};

/** Ends of different leases that follow each other go together: a halt has many. Everything else stands alone. */
export function groups(works: readonly Work[]): Work[][] {
  const all: Work[][] = [];
  let ends: { readonly group: Work[]; readonly ids: Set<string> } | null = null;
  for (const work of works) {
    if (!isLeaseEnd(work)) {
      all.push([work]);
      ends = null;
    } else if (ends === null || ends.ids.has(work.lease.id)) {
      ends = { group: [work], ids: new Set([work.lease.id]) };
      all.push(ends.group);
    } else {
      ends.group.push(work);
      ends.ids.add(work.lease.id);
    }
  }
  return all;
}

export function handle(tx: Transaction, op: Rare): Promise<OpResults[Op['kind']]> {
  const handler = HANDLERS[op.kind] as
    | ((tx: Transaction, op: Op) => Promise<OpResults[Op['kind']]>)
    | undefined;
  if (handler === undefined) throw fault(`the store knows no \`${op.kind}\``);
  return handler(tx, op);
}

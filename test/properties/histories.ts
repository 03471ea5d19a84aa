import fc from 'fast-check';
import { effectVector } from '../../src/domain/effect.ts';
import type { Op } from '../../src/domain/ops.ts';
import type { SqliteCore } from '../../src/store/sqlite/core.ts';
import {
  action,
  admit,
  applyBundle,
  beginRun,
  calls,
  DONE,
  park,
  READ,
  raise,
  runToken,
  scopes,
  settle,
  T0,
} from '../contract/store-cast.ts';

const REFUSED = { kind: 'refused', refusal: { code: 'MEASURED', reasons: [] } } as const;
export const RUNS = ['run_a', 'run_b'];
const SCOPES = ['all', 'run:run_a', 'agent:support', 'tool:set_plan', 'tool:other'];

/** Ops that may or may not fit the moment: a stamp is guessed, an id may be taken, a run may be over. */
export const draw = fc.record({
  what: fc.integer({ min: 0, max: 17 }),
  n: fc.integer({ min: 0, max: 5 }),
  run: fc.constantFrom(...RUNS),
  scope: fc.constantFrom(...SCOPES),
});
export type Draw = typeof draw extends fc.Arbitrary<infer D> ? D : never;

export function opFor({ what, n, run, scope }: Draw, core: SqliteCore): Op {
  const at = T0 + n;
  const act = action(`act_${run}_${n}`, run, { arguments: { n } });
  const stamp = core.database.one<{ halt: number; bundle: string }>(
    'SELECT halt, bundle FROM control',
  ) ?? { halt: 0, bundle: 'none' };
  const told = { halt: stamp.halt, bundle: stamp.bundle };
  const ops: (() => Op)[] = [
    () => beginRun(run),
    () => runToken(`hash_${run}_${n}`, run),
    () => admit(act, { stamp: told, reservations: [calls('k', 6, n), calls('j', 3, n)] }),
    () => admit(act, { stamp: told, approvalId: `ask_${run}_${n}` }),
    () => ({
      kind: 'action.mark',
      actionId: act.id,
      runId: run,
      trace: { n },
      measured: null,
      leaseId: null,
      scopes: scopes(act),
      at,
    }),
    () => settle(act, { settlement: DONE, posted: null }),
    () => settle(act, { settlement: { kind: 'unknown', message: 'm' }, posted: null }),
    () => ({
      kind: 'action.decline',
      action: { ...act, id: `no_${act.id}` },
      as: 'denied',
      measured: null,
      at,
    }),
    () => park(`ask_${run}_${n}`, { ...act, id: `asked_${act.id}` }, { halt: told.halt }),
    () => ({
      kind: 'approval.answer',
      approvalId: `ask_${run}_${n}`,
      answer: 'approved',
      by: 'dana',
      because: '',
      at,
    }),
    () => ({ ...raise(scope), at }),
    () => ({ kind: 'halt.lift', scope, reason: '', by: 'dana', at }),
    () => applyBundle(`bundle_${n}`, told.bundle),
    () => ({ kind: 'run.end', runId: run, why: 'over', at }),
    () => ({ kind: 'ledger.erase', runId: run, reason: 'the law', by: 'dana', at }),
    () =>
      admit(action(`read_${run}_${n}`, run, { decision: READ, arguments: { n } }), {
        stamp: told,
        reservations: [calls('k', 6, n), calls('j', 3, n)],
        outcome: {
          settlement: n === 3 ? REFUSED : n === 4 ? { kind: 'unknown', message: 'm' } : DONE,
          posted: effectVector({ calls: n }),
        },
      }),
    // Twice as likely as the others: what is sealed at many moments is sealed in many pieces.
    () => ({ kind: 'ledger.seal', most: 1 + n, sign: n % 2 === 0, at }),
    () => ({ kind: 'ledger.seal', most: 1 + 40 * n, sign: false, at }),
  ];
  return (ops[what] ?? (() => beginRun(run)))();
}

export const histories = fc.array(fc.array(draw, { minLength: 2, maxLength: 8 }), {
  minLength: 3,
  maxLength: 8,
});

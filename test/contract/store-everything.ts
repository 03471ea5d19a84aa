import type { Op } from '../../src/domain/ops.ts';
import type { Store } from '../../src/domain/store.ts';
import {
  action,
  admit,
  applyBundle,
  BUNDLE_1,
  beginRun,
  calls,
  DONE,
  MEASURED,
  park,
  READ,
  raise,
  runToken,
  scopes,
  settle,
  T0,
} from './store-cast.ts';

/** A day in the life of a store: every kind of op, and so every kind of record. Ends with `run_c` erased. */
export async function everyKind(store: Store): Promise<void> {
  for (const op of theDay()) {
    const result = await store.commit(op);
    if (!result.ok) throw new Error(`${op.kind}: ${JSON.stringify(result)}`);
  }
}

function theDay(): Op[] {
  return [...morning(), ...work(), ...evening()];
}

const at = T0;
const STAMP = { halt: 0, bundle: BUNDLE_1 };
const row = { expiresAt: T0 + 300_000, revoked: false } as const;
const LEASE = {
  id: 'lease_a',
  runId: 'run_a',
  agent: 'support',
  connection: 'acme-db',
  issuer: 'postgres-role',
  handle: 'sbx_support_1',
  revocability: 'instant',
  mintedAt: T0,
  expiresAt: T0 + 900_000,
} as const;

function morning(): Op[] {
  const setup = { hash: 'setup', kind: 'setup', subject: 'first', ...row } as const;
  const key = { hash: 'key_dana', kind: 'operator', subject: 'dana', ...row } as const;
  const agent = { hash: 'key_support', kind: 'agent', subject: 'support', ...row } as const;
  return [
    { kind: 'system.note', type: 'system.started', body: { version: '0' }, at },
    { kind: 'token.issue', token: setup, at },
    {
      kind: 'operator.add',
      operator: 'dana',
      role: 'owner',
      token: key,
      setupHash: 'setup',
      at,
    },
    { kind: 'secret.set', name: 'acme-db', sealed: 'sealed', by: 'dana', at },
    { kind: 'secret.set', name: 'lease:gone', sealed: 'sealed', by: 'signalbox', at },
    { kind: 'secret.forget', name: 'lease:gone', by: 'signalbox', at },
    applyBundle('bundle_1'),
    { kind: 'agent.enrol', agent: 'support', token: agent, by: 'dana', at },
    ...['run_a', 'run_b', 'run_c'].flatMap((run) => [beginRun(run), runToken(`hash_${run}`, run)]),
    { kind: 'run.say', runId: 'run_a', text: 'and tell dora', at },
    { kind: 'token.renew', hash: 'hash_run_a', expiresAt: T0 + 600_000, at },
    { kind: 'token.revoke', hash: 'hash_run_b', at },
  ];
}

function work(): Op[] {
  const read = action('act_1', 'run_a', { decision: READ });
  const preview = action('act_2', 'run_a', { purpose: 'preview', traceparent: '00-ab-cd-01' });
  const write = action('act_4', 'run_a');
  const limit = [calls('run:run_a', 9)];
  const outcome = { settlement: DONE, posted: { ...MEASURED.effect, calls: 1 } };
  return [
    admit(read, { stamp: STAMP, reservations: limit, outcome }),
    { kind: 'lease.write', lease: { ...LEASE, state: 'minting' }, note: 'for run_a', at },
    { kind: 'lease.write', lease: { ...LEASE, state: 'live' }, note: '', at },
    admit(preview, { stamp: STAMP }),
    settle(preview, { measured: MEASURED }),
    { ...park('ask_1', action('act_3', 'run_a')), previewActionId: 'act_2' },
    {
      kind: 'approval.answer',
      approvalId: 'ask_1',
      answer: 'approved',
      by: 'dana',
      because: 'ok',
      at,
    },
    admit(write, { stamp: STAMP, reservations: limit, approvalId: 'ask_1', leaseId: 'lease_a' }),
    {
      kind: 'action.mark',
      actionId: 'act_4',
      runId: 'run_a',
      trace: { xid: '9' },
      measured: MEASURED.effect,
      leaseId: 'lease_a',
      scopes: scopes(write),
      at,
    },
    settle(write, { measured: MEASURED }),
    ...ends(),
  ];
}

function ends(): Op[] {
  const kinds = [
    { kind: 'failed', code: 'CONNECTOR_REFUSED', message: 'no such row' },
    { kind: 'unknown', message: 'the connection was lost' },
    { kind: 'running' },
    {
      kind: 'refused',
      refusal: {
        code: 'MEASURED_BEYOND',
        reasons: [{ check: 'blast-radius', code: 'BEYOND', reason: 'it was 40 rows' }],
      },
    },
  ] as const;
  const decline = { kind: 'action.decline', measured: MEASURED, at } as const;
  return [
    ...kinds.flatMap((settlement, index) => {
      const act = action(`act_5${index}`, 'run_b', { arguments: { index } });
      const posted = null;
      return [
        admit(act, { stamp: STAMP, reservations: [calls('run:run_b', 9)] }),
        settle(act, { settlement, posted }),
      ];
    }),
    { ...decline, action: action('act_6', 'run_b'), as: 'denied' },
    { ...decline, action: action('act_7', 'run_b'), as: 'drafted', measured: null },
    park('ask_2', action('act_8', 'run_b', { arguments: { id: 8 } })),
    {
      kind: 'approval.answer',
      approvalId: 'ask_2',
      answer: 'refused',
      by: 'dana',
      because: '',
      at,
    },
    park('ask_3', action('act_9', 'run_b', { arguments: { id: 9 } })),
    { kind: 'approval.void', approvalId: 'ask_3', because: 'rows moved', at },
    park('ask_4', action('act_10', 'run_c')),
  ];
}

function evening(): Op[] {
  return [
    raise('agent:support'),
    { kind: 'lease.write', lease: { ...LEASE, state: 'revoking' }, note: '', at },
    { kind: 'lease.write', lease: { ...LEASE, state: 'dead' }, note: 'asked the source', at },
    {
      kind: 'halt.inert',
      scope: 'agent:support',
      epoch: 1,
      leases: [],
      heardMs: 0,
      report: { leases: 1 },
      at,
    },
    {
      ...{ kind: 'halt.lift', scope: 'agent:support', reason: 'looked at', by: 'dana' },
      ...{ alone: true, at },
    },
    { kind: 'drill.begin', id: 'drill_a', agent: 'canary', by: 'dana', notSince: null, at },
    { kind: 'drill.keep', id: 'drill_a', ok: true, report: '{}', signature: null, at },
    ...spends(),
    { kind: 'claim.take', claim: 'answers_a', until: at + 60_000, at },
    { kind: 'run.end', runId: 'run_a', why: 'it is evening', at },
    { kind: 'ledger.erase', runId: 'run_c', reason: 'the law', by: 'dana', at },
    { kind: 'run.end', runId: 'run_c', why: 'it is evening', at },
    { kind: 'ledger.seal', most: 1_000, sign: false, at },
  ];
}

function spends(): Op[] {
  const spend = {
    ...{ id: 'spd_1', source: 'consult' as const, by: 'second', model: 'm-1', said: 'a print' },
    ...{ tokensIn: 10, tokensOut: 2, moneyMicros: 9 },
  } as const;
  const draws = [{ key: 'run:run_b', dimension: 'moneyMicros', amount: 9, limit: 20 }] as const;
  const came = { ...spend, tokensIn: null, moneyMicros: 4 };
  const back = [{ key: 'run:run_b', dimension: 'moneyMicros', amount: 5 }] as const;
  return [
    { kind: 'run.spend', runId: 'run_b', spend, draws, ahead: true, at },
    { kind: 'run.refund', runId: 'run_b', spend: came, held: spend, back, at },
    { kind: 'run.spend', runId: 'run_b', spend: { ...spend, said: null }, draws, ahead: false, at },
  ];
}

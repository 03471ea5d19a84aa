import { askKey } from '../../domain/approval.ts';
import type { Halt } from '../../domain/halt.ts';
import type { Run } from '../../domain/run.ts';
import type { FactsQuery, StoreFacts } from '../../domain/store.ts';
import { type ApprovalRow, approvalOf } from '../approvals.ts';
import { type HeldRow, heldTo } from '../tree.ts';
import { type HaltRow, haltOf } from './op-halts.ts';
import type { Payloads } from './payloads.ts';
import type { Session } from './session.ts';

export interface RunRow extends HeldRow {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly depth: number;
  readonly agent: string;
  readonly state: Run['state'];
  readonly started_at: number;
  readonly expires_at: number;
  readonly ended_at: number | null;
  readonly erased: number;
}

export const RUN_COLUMNS =
  'id, root, parent, depth, agent, state, started_at, expires_at, ended_at, budget, tools, acts_for, subject, erased';

export const IN_FORCE = `(SELECT json_agg(json_build_object('epoch', epoch, 'scope', scope, 'reason', reason,
    'raised_by', raised_by, 'at', at, 'state', state) ORDER BY epoch)
  FROM halts WHERE state <> 'lifted')`;

const HALTS = {
  name: 'halt-state',
  text: `SELECT halt, bundle, ${IN_FORCE} AS halts FROM control`,
};

/** One row for each question; all of one moment. */
const FACTS = {
  name: 'facts',
  text: `SELECT control.halt, control.bundle, control.halts, to_json(run) AS run,
      to_json(ask) AS ask, doubtful.id AS unknown, tree.actions AS tree_actions
    FROM (SELECT halt, bundle, ${IN_FORCE} AS halts FROM control) AS control
    CROSS JOIN unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[])
      AS asked (place, run_id, ask_key, tool, digest)
    LEFT JOIN LATERAL (SELECT ${RUN_COLUMNS} FROM runs WHERE id = asked.run_id) AS run ON true
    LEFT JOIN LATERAL (
      SELECT id, run_id, action_id, agent, tool, binding, digest, state, asked_at, expires_at,
        answered_by, answered_at, seq FROM approvals
      WHERE ask_key = asked.ask_key AND state IN ('pending', 'approved', 'refused')
      ORDER BY asked_at DESC, id DESC LIMIT 1) AS ask ON true
    LEFT JOIN LATERAL (
      SELECT id FROM actions WHERE state IN ('unknown', 'running') AND root = run.root
        AND tool = asked.tool AND arguments_digest = asked.digest LIMIT 1) AS doubtful ON true
    LEFT JOIN LATERAL (
      SELECT sum(actions)::bigint AS actions FROM runs WHERE root = run.root) AS tree ON true
    ORDER BY asked.place`,
};

export interface HaltState {
  readonly halt: number;
  readonly bundle: string;
  readonly halts: readonly HaltRow[] | null;
}

export function inForceOf({ halt, bundle, halts }: HaltState): {
  readonly stamp: StoreFacts['stamp'];
  readonly halts: readonly Halt[];
} {
  return { stamp: { halt, bundle }, halts: (halts ?? []).map(haltOf) };
}

export async function readHalts(session: Session): Promise<ReturnType<typeof inForceOf>> {
  const [row] = await session.rows<HaltState>(HALTS, []);
  if (row === undefined) throw new Error('the store has no control row');
  return inForceOf(row);
}

interface FactsRow extends HaltState {
  readonly run: RunRow | null;
  readonly ask: ApprovalRow | null;
  readonly unknown: string | null;
  readonly tree_actions: number | null;
}

export async function readFacts(
  session: Session,
  payloads: Payloads,
  queries: readonly FactsQuery[],
): Promise<readonly StoreFacts[]> {
  const rows = await session.rows<FactsRow>(FACTS, [
    queries.map((_, place) => place),
    queries.map(({ runId }) => runId),
    queries.map(({ runId, tool, argumentsDigest }) => askKey(runId, tool, argumentsDigest)),
    queries.map(({ tool }) => tool),
    queries.map(({ argumentsDigest }) => argumentsDigest),
  ]);
  const intentOf = await payloads.intents(
    session,
    rows.flatMap(({ run }) => (run === null ? [] : [run])),
  );
  return rows.map((row) => ({
    ...inForceOf(row),
    run: row.run === null ? null : runOf(row.run, intentOf(row.run.id)),
    approval: row.ask === null ? null : approvalOf(row.ask),
    unknownRepeat: row.unknown,
    treeActions: row.tree_actions,
  }));
}

export function runOf(row: RunRow, intent: string): Run {
  return {
    id: row.id,
    root: row.root,
    parent: row.parent,
    depth: row.depth,
    agent: row.agent,
    intent,
    state: row.state,
    startedAt: row.started_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    ...heldTo(row),
  };
}

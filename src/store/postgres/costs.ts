import { CLASS_RUNS, type RunCost } from '../../domain/spend.ts';
import { COST_TYPES, type CostRow, costsIn, type TreeRow } from '../costs.ts';
import { together } from './load.ts';
import type { Session } from './session.ts';

const OF_CLASS = {
  name: 'runs-of-class',
  text: `SELECT id FROM runs WHERE agent = $1 AND parent IS NULL AND state = 'ended' AND actions > 0
    AND NOT EXISTS (SELECT 1 FROM halts WHERE scope = 'run:' || runs.id)
    ORDER BY ended_at DESC LIMIT ${CLASS_RUNS}`,
};
const TREES = {
  name: 'cost-of-trees',
  text: `SELECT root, sum(actions)::bigint AS actions,
      (max(coalesce(ended_at, $2)) - min(started_at))::bigint AS ms
    FROM runs WHERE root = ANY ($1) GROUP BY root`,
};
const COSTS = {
  name: 'costs',
  text: `SELECT root, tool, count(*)::bigint AS n, sum(money)::bigint AS money, sum(tokens)::bigint AS tokens FROM (
    SELECT runs.root, CASE WHEN type LIKE 'action.%' THEN told ->> 'tool' END AS tool,
      CASE type WHEN 'run.spent' THEN coalesce((told ->> 'moneyMicros')::bigint, 0)
        WHEN 'run.refunded' THEN -(told #>> '{less,moneyMicros}')::bigint ELSE 0 END AS money,
      CASE type WHEN 'run.spent'
        THEN coalesce((told ->> 'tokensIn')::bigint, 0) + coalesce((told ->> 'tokensOut')::bigint, 0)
        WHEN 'run.refunded' THEN -(told #>> '{less,tokens}')::bigint ELSE 0 END AS tokens
    FROM runs JOIN events ON events.chain = runs.id CROSS JOIN LATERAL (SELECT body::jsonb) AS as_json (told)
    WHERE runs.root = ANY ($1) AND type = ANY ($2) AND coalesce(told ->> 'purpose', '') <> 'preview'
  ) AS one GROUP BY root, tool`,
};

export async function costIn(
  session: Session,
  root: string,
  now: number,
): Promise<RunCost | undefined> {
  return (await costs(session, [root], now))[0];
}

export async function costsOfAgent(
  session: Session,
  agent: string,
  now: number,
): Promise<RunCost[]> {
  const rows = await session.rows<{ id: string }>(OF_CLASS, [agent]);
  return costs(
    session,
    rows.map(({ id }) => id),
    now,
  );
}

async function costs(session: Session, roots: readonly string[], now: number): Promise<RunCost[]> {
  if (roots.length === 0) return [];
  const [trees, rows] = await together([
    session.rows<TreeRow>(TREES, [roots, now]),
    session.rows<CostRow>(COSTS, [roots, COST_TYPES]),
  ]);
  return costsIn(trees, rows);
}

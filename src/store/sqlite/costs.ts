import { CLASS_RUNS, type RunCost } from '../../domain/spend.ts';
import { COST_TYPES, type CostRow, costsIn, type TreeRow } from '../costs.ts';
import type { Database } from './database.ts';

const OF_CLASS = `SELECT id FROM runs WHERE agent = ? AND parent IS NULL AND state = 'ended' AND actions > 0
  AND NOT EXISTS (SELECT 1 FROM halts WHERE scope = 'run:' || runs.id)
  ORDER BY ended_at DESC LIMIT ${CLASS_RUNS}`;
const TREES = `SELECT root, sum(actions) AS actions, max(coalesce(ended_at, ?2)) - min(started_at) AS ms
  FROM runs WHERE root IN (SELECT value FROM json_each(?1)) GROUP BY root`;
const COSTS = `SELECT root, tool, count(*) AS n, sum(money) AS money, sum(tokens) AS tokens FROM (
  SELECT runs.root AS root,
    CASE WHEN type LIKE 'action.%' THEN body ->> 'tool' END AS tool,
    CASE type WHEN 'run.spent' THEN coalesce(body ->> 'moneyMicros', 0)
      WHEN 'run.refunded' THEN -(body ->> '$.less.moneyMicros') ELSE 0 END AS money,
    CASE type WHEN 'run.spent'
      THEN coalesce(body ->> 'tokensIn', 0) + coalesce(body ->> 'tokensOut', 0)
      WHEN 'run.refunded' THEN -(body ->> '$.less.tokens') ELSE 0 END AS tokens
  FROM runs JOIN events ON events.chain = runs.id
  WHERE runs.root IN (SELECT value FROM json_each(?))
    AND type IN (${COST_TYPES.map((type) => `'${type}'`).join(', ')})
    AND coalesce(body ->> 'purpose', '') <> 'preview'
) GROUP BY root, tool`;

/** Once for a run tree and now and then for a class: never on the way of a call that costs nothing. */
export function costIn(database: Database, root: string, now: number): RunCost | undefined {
  return costs(database, [root], now)[0];
}

export function costsOfAgent(database: Database, agent: string, now: number): RunCost[] {
  const roots = database.all<{ id: string }>(OF_CLASS, agent).map(({ id }) => id);
  return costs(database, roots, now);
}

function costs(database: Database, roots: readonly string[], now: number): RunCost[] {
  if (roots.length === 0) return [];
  const named = JSON.stringify(roots);
  return costsIn(database.all<TreeRow>(TREES, named, now), database.all<CostRow>(COSTS, named));
}

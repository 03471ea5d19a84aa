import { type DrillHealth, type DrillReport, drillHealth } from '../../domain/drill.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { DrillFile } from '../../ledger/drill-file.ts';
import { prove } from '../../ledger/prove.ts';
import type { Route } from '../http/listener.ts';
import { read, SMALL_BODY } from './body.ts';
import type { AdminDeps } from './deps.ts';
import { clip } from './desk.ts';
import { changer, visitor } from './guard.ts';

const MOST_DRILLS = 200;
const AGENT = { agent: { most: 200, optional: true } } as const;

/** What the operators' listener needs to drill. */
export interface Drills {
  /** `agent`: null drills the canary of the plan. Throws DRILL_UNPLANNED, DRILL_BUSY, AGENT_UNKNOWN. */
  drill(agent: string | null, by: string): Promise<DrillReport>;
}

/** Drills: one by hand, all there were with their trend, and one as a file that can be verified anywhere. */
export function drillRoutes(deps: AdminDeps): Route[] {
  const { store, doors, bundles } = deps.broker;
  return [
    {
      method: 'POST',
      path: '/api/drills',
      async handle(exchange) {
        const { operator } = await changer(deps, exchange);
        const { agent } = read(await exchange.json(SMALL_BODY), AGENT);
        const report = await deps.drills.drill(agent === '' ? null : agent, operator.name);
        exchange.reply(200, { report: report as unknown as JsonObject });
      },
    },
    {
      method: 'GET',
      path: '/api/drills',
      async handle(exchange) {
        await visitor(deps, exchange);
        const drills = await store.drills(MOST_DRILLS);
        const { drill: plan } = await bundles.active();
        const health: DrillHealth = drillHealth(plan, drills, doors.clock.now());
        const listed = drills.map(({ id, agent, begunAt, recorded }) => ({
          id,
          agent,
          begunAt,
          ok: recorded === null ? null : recorded.report.ok,
          timeToInertMs: recorded?.report.timeToInertMs ?? null,
          parts: recorded === null ? null : { ...recorded.report.parts },
          problems: recorded === null ? [] : [...recorded.report.problems],
        }));
        const planned = plan === undefined ? null : { ...plan };
        exchange.reply(200, { health: { ...health }, plan: planned, drills: listed });
      },
    },
    {
      method: 'GET',
      path: '/api/drills/{id}',
      async handle(exchange) {
        await visitor(deps, exchange);
        const { id = '' } = exchange.params;
        const found = (await store.drills(MOST_DRILLS)).find((drill) => drill.id === id);
        if (found?.recorded === undefined || found.recorded === null)
          throw new SignalboxError('NOT_FOUND', `no report of a drill \`${clip(id)}\` is kept`);
        const { text, signature } = found.recorded;
        const proof = await prove(store, id).catch(() => null);
        const key = (await store.seal())?.verifier ?? null;
        const file: DrillFile = { drill: id, report: text, signature, key, proof };
        exchange.reply(200, file as unknown as JsonObject);
      },
    },
  ];
}

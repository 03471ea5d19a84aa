import type { Bundle } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Store } from '../../domain/store.ts';
import type { Route } from '../http/listener.ts';
import type { AdminDeps } from './deps.ts';
import { visitor } from './guard.ts';

/** Newest runs, and records of each, that a report is made of. */
const MAX_RUNS = 500;
const PAGE = 1_000;
const MAX_RECORDS = 200_000;

/** What one check would have done to calls of one tool, had it been enforced. */
interface Passed {
  readonly agent: string;
  readonly tool: string;
  readonly check: string;
  readonly code: string;
  /** `deny`: refused. `approve`: asked. */
  readonly would: string;
  count: number;
  lastAt: number;
  lastAction: string;
}

/** Which agents are observed, and when it is over. */
export function observedIn(
  { agents }: Bundle,
  now: number,
): readonly { readonly agent: string; readonly until: number; readonly on: boolean }[] {
  return Object.values(agents).flatMap(({ name, observe }) =>
    observe === undefined || observe.until <= now
      ? []
      : [{ agent: name, until: observe.until, on: observe.from <= now }],
  );
}

/** What would have been refused or asked, by tool and reason: what is to be settled before enforcing. */
export function observeRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/observe',
      async handle(exchange) {
        await visitor(deps, exchange);
        const { store, bundles, doors } = deps.broker;
        const agent = exchange.url.searchParams.get('agent');
        const { rows, runs, complete } = await passedIn(store, agent);
        const observed = observedIn(await bundles.active(), doors.clock.now());
        exchange.reply(200, {
          observed: observed.map((one) => ({ ...one })),
          ...{ runs, complete },
          rows: rows.map((row) => ({ ...row })),
        });
      },
    },
  ];
}

async function passedIn(
  store: Pick<Store, 'runs' | 'timeline'>,
  agent: string | null,
): Promise<{ rows: readonly Passed[]; runs: number; complete: boolean }> {
  const found = new Map<string, Passed>();
  const summaries = await store.runs({ limit: MAX_RUNS });
  const wanted = summaries.filter(({ run }) => agent === null || run.agent === agent);
  let left = MAX_RECORDS;
  for (const { run } of wanted)
    for (let after = 0; left > 0; ) {
      const page = await store.timeline(run.id, after, PAGE);
      for (const { body, at } of page) add(found, run.agent, JSON.parse(body) as JsonObject, at);
      after += page.length;
      left -= page.length;
      if (page.length < PAGE) break;
    }
  const rows = [...found.values()].sort((a, b) => b.count - a.count || (a.tool < b.tool ? -1 : 1));
  return { rows, runs: wanted.length, complete: left > 0 && summaries.length < MAX_RUNS };
}

function add(found: Map<string, Passed>, agent: string, body: JsonObject, at: number): void {
  const { verdicts, tool, action, purpose } = body;
  if (!Array.isArray(verdicts) || purpose === 'preview') return;
  for (const verdict of verdicts as readonly Json[]) {
    if (!isJsonObject(verdict) || typeof verdict.would !== 'string') continue;
    const [check, code, would] = [String(verdict.check), String(verdict.code), verdict.would];
    const key = JSON.stringify([agent, tool, check, code, would]);
    const row = found.get(key) ?? {
      ...{ agent, tool: String(tool), check, code, would },
      ...{ count: 0, lastAt: 0, lastAction: '' },
    };
    row.count++;
    if (at >= row.lastAt) {
      row.lastAt = at;
      row.lastAction = String(action);
    }
    found.set(key, row);
  }
}

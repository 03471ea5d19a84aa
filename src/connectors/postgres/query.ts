import { ConnectorFailure, type Flight } from '../../domain/connector.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { measuredRead } from '../../domain/measured.ts';
import type { QueryBounds } from './binding.ts';
import { type Cockpit, exchange, takeSession } from './cockpit.ts';
import { checkDrift } from './drift.ts';
import type { Answer, Prepared } from './exchange.ts';
import { CATALOGUE_PATH } from './login.ts';
import { dearness, expectedOf } from './query-cost.ts';
import { guardQuery, guardReady } from './query-guard.ts';
import { resultOf } from './result.ts';
import type { Session } from './session.ts';

const BEGIN: Prepared = { name: 'sbx_begin_read', text: 'BEGIN READ ONLY' };
const COMMIT: Prepared = { name: 'sbx_commit', text: 'COMMIT' };
const ROLLBACK: Prepared = { name: 'sbx_rollback', text: 'ROLLBACK' };
/** No schema but PostgreSQL's own is searched, and no other processes work for it. */
const SETTINGS: Prepared = {
  name: 'sbx_query_settings',
  text: `SELECT pg_catalog.set_config('search_path', '${CATALOGUE_PATH}', true),
    pg_catalog.set_config('statement_timeout', $1::text, true),
    pg_catalog.set_config('lock_timeout', '1000', true),
    pg_catalog.set_config('max_parallel_workers_per_gather', '0', true),
    pg_catalog.set_config('jit', 'off', true)`,
};

/** Checks an agent's own SELECT, asks the planner what it would take, and runs it in a transaction that cannot write. */
export async function beginQuery(cockpit: Cockpit, bounds: QueryBounds): Promise<Flight> {
  const { call, sessions } = cockpit;
  const { tool } = call;
  await guardReady;
  const text = checked(call.arguments.sql, bounds, tool.cap.rowsRead + 1);
  const session = await takeSession(cockpit, 'read');
  try {
    await checkDrift(cockpit, session);
    const answer = await within(cockpit, session, async () => {
      const explained = await exchange(cockpit, session, [
        { statement: BEGIN },
        { statement: SETTINGS, values: [String(tool.timeoutMs)] },
        { statement: { name: '', text: `EXPLAIN (FORMAT JSON) ${text}` } },
      ]);
      checkCost(explained[2]?.rows[0]?.[0], bounds);
      const [found] = await exchange(cockpit, session, [
        { statement: { name: '', text }, maxRows: tool.cap.rowsRead + 1 },
        { statement: COMMIT },
      ]);
      return found ?? { fields: [], rows: [], tag: '' };
    });
    checkNames(answer);
    const caps = { rows: tool.cap.rowsRead, bytes: tool.maxResultBytes };
    const { result, rowsRead } = resultOf(answer, answer.fields.length, caps, null);
    return {
      measured: measuredRead(rowsRead),
      trace: null,
      finish: async () => result,
      cancel: async () => {},
    };
  } finally {
    sessions.give(session);
  }
}

function checked(sql: unknown, { tables }: QueryBounds, limit: number): string {
  try {
    return guardQuery(String(sql), tables, limit);
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error;
    throw new ConnectorFailure('QUERY_REFUSED', `${error.message}; ${error.help}`, 'none');
  }
}

function checkCost(explained: string | null | undefined, bounds: QueryBounds): void {
  const expected = expectedOf(explained);
  if (expected === null)
    throw new ConnectorFailure(
      'QUERY_TOO_DEAR',
      'the database does not say what it would take',
      'none',
    );
  const why = dearness(expected, bounds);
  if (why !== null) throw new ConnectorFailure('QUERY_TOO_DEAR', `${why}; narrow it`, 'none');
}

/** A result is a JSON object a row: of two columns of one name only one would be seen. */
function checkNames({ fields }: Answer): void {
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new ConnectorFailure(
      'QUERY_REFUSED',
      `two result columns are called \`${twice}\`; name one with AS`,
      'none',
    );
}

/** Nothing of a query that failed stays open in the session. */
async function within<T>(cockpit: Cockpit, session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (session.alive)
      await session.exchange([{ statement: ROLLBACK }]).catch(() => cockpit.sessions.drop(session));
    throw error;
  }
}

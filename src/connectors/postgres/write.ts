import { ConnectorFailure, type Flight } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Measured, ToolResult } from '../../domain/proposal.ts';
import { PG18 } from './admin.ts';
import { type Cockpit, cut, exchange, takeSession } from './cockpit.ts';
import { checkDrift } from './drift.ts';
import type { Answer, Prepared, Step } from './exchange.ts';
import { isRolledBack } from './faults.ts';
import {
  BASELINE,
  countsBetween,
  DEFERRED_NOW,
  IMAGES_FETCHED,
  MEASURE,
  measuredWrite,
  type Pictures,
} from './measure.ts';
import { currentPictures, olderPictures } from './pictures.ts';
import { resultOf } from './result.ts';
import type { Session } from './session.ts';
import { CLUSTER, fateOf, toJson } from './trace.ts';
import { encodeArguments } from './values.ts';

/*
 * begun ──finish──▶ committing ──▶ committed | rolled back | unknown (the answer was lost: asked, then said so)
 *   ├──cancel─────▶ rolled back
 *   └──abort, deadline, lost session──▶ rolled back (COMMIT was never sent)
 */

const PREVIEW_LOCK_MS = 2_000;
const EXECUTE_LOCK_MS = 5_000;
/** How long COMMIT may take to answer before it is asked about elsewhere. */
const COMMIT_MS = 10_000;

const BEGIN: Prepared = { name: 'sbx_begin', text: 'BEGIN ISOLATION LEVEL REPEATABLE READ' };
const COMMIT: Prepared = { name: 'sbx_commit', text: 'COMMIT' };
const ROLLBACK: Prepared = { name: 'sbx_rollback', text: 'ROLLBACK' };

interface Begun {
  readonly measured: Measured;
  readonly result: ToolResult;
  readonly trace: JsonObject;
}

/** Executes the write inside a transaction, measures it, and leaves it open. Effects are visible to nobody. */
export async function beginWrite(cockpit: Cockpit): Promise<Flight> {
  const session = await takeSession(cockpit, 'write');
  try {
    await checkDrift(cockpit, session);
    const cluster = await clusterOf(cockpit, session);
    const begun = await execute(cockpit, session, cluster);
    return new WriteFlight(cockpit, session, begun);
  } catch (error) {
    void rollBack(cockpit, session);
    throw error;
  }
}

class WriteFlight implements Flight {
  readonly measured: Measured;
  readonly trace: JsonObject;
  readonly #cockpit: Cockpit;
  readonly #session: Session;
  readonly #result: ToolResult;
  #state: 'begun' | 'committing' | 'over' = 'begun';

  constructor(cockpit: Cockpit, session: Session, begun: Begun) {
    this.#cockpit = cockpit;
    this.#session = session;
    this.measured = begun.measured;
    this.trace = begun.trace;
    this.#result = begun.result;
    cockpit.deadline.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async finish(): Promise<ToolResult> {
    const { deadline, sessions } = this.#cockpit;
    deadline.signal.throwIfAborted();
    if (this.#state !== 'begun' || !this.#session.alive) throw this.#lost();
    this.#state = 'committing';
    deadline.clear();
    deadline.signal.removeEventListener('abort', this.#onAbort);
    const end = sessions.committing();
    try {
      await this.#commit();
      sessions.give(this.#session);
      return this.#result;
    } catch (error) {
      sessions.drop(this.#session);
      if (error instanceof ConnectorFailure) throw error;
      return await this.#afterLostAnswer();
    } finally {
      this.#state = 'over';
      end();
    }
  }

  async cancel(): Promise<void> {
    if (this.#state !== 'begun') return;
    this.#state = 'over';
    const { deadline } = this.#cockpit;
    deadline.clear();
    deadline.signal.removeEventListener('abort', this.#onAbort);
    await rollBack(this.#cockpit, this.#session);
  }

  /** Throws ConnectorFailure when surely nothing happened, anything else when the answer was lost. */
  async #commit(): Promise<void> {
    const { timers } = this.#cockpit;
    const committing = this.#session.exchange([{ statement: COMMIT }]);
    const timer = timers.after(COMMIT_MS, () => this.#session.destroy());
    try {
      const [answer] = await committing;
      // COMMIT of a failed transaction answers ROLLBACK and no error.
      if (answer?.tag !== 'COMMIT')
        throw new ConnectorFailure('CONNECTOR_REFUSED', 'the transaction was rolled back', 'none');
    } catch (error) {
      if (!isRolledBack(error)) throw error;
      throw new ConnectorFailure('CONNECTOR_REFUSED', `${error.message} (${error.code})`, 'none');
    } finally {
      timer.cancel();
    }
  }

  /** COMMIT was sent and its answer did not come: the target knows. */
  async #afterLostAnswer(): Promise<ToolResult> {
    const { admin, call } = this.#cockpit;
    const fate = await fateOf(admin, call.connection, this.trace).catch(() => 'unknown' as const);
    if (fate === 'done') return this.#result;
    if (fate === 'failed')
      throw new ConnectorFailure(
        'CONNECTOR_UNREACHABLE',
        'the session was lost at the commit, and the database rolled it back',
        'none',
      );
    throw new ConnectorFailure(
      'OUTCOME_UNKNOWN',
      'the session was lost at the commit, and the database cannot tell whether it happened',
      'unknown',
    );
  }

  #lost(): ConnectorFailure {
    const message = 'the session was lost before the commit';
    return new ConnectorFailure('CONNECTOR_UNREACHABLE', message, 'none');
  }

  readonly #onAbort = (): void => {
    if (this.#state !== 'begun') return;
    this.#state = 'over';
    cut(this.#cockpit, this.#session);
  };
}

async function execute(cockpit: Cockpit, session: Session, cluster: string): Promise<Begun> {
  const { call, binding } = cockpit;
  const { tool } = call;
  const plan = planOf(cockpit, session);
  const answers = await exchange(cockpit, session, plan.steps);
  const at = (index: number): Answer => answers[index] ?? { fields: [], rows: [], tag: '' };
  const main = at(plan.main);
  const measure = at(answers.length - 1);
  const byTable = countsBetween(at(1), measure);
  const pictures = plan.pictures(at(plan.main - 1), main);
  const caps = { rows: tool.cap.rowsRead, bytes: tool.maxResultBytes };
  const affected = affectedBy(main, byTable);
  const { result, rowsRead } = resultOf(main, binding.columns.length, caps, affected);
  const [, xid = '', database = ''] = measure.rows[0] ?? [];
  return {
    result,
    measured: measuredWrite(byTable, pictures, rowsRead),
    trace: toJson({ xid: xid ?? '', database: database ?? '', cluster }),
  };
}

interface Plan {
  readonly steps: readonly Step[];
  /** Which step is the tool's statement. */
  readonly main: number;
  readonly pictures: (before: Answer, main: Answer) => Pictures | null;
}

/** BEGIN, baseline, (lock), statement, deferred triggers, measure: one round trip; the first failure stops it. */
function planOf({ call, binding }: Cockpit, session: Session): Plan {
  const { tool, purpose } = call;
  const { imagePlan } = binding;
  const current = session.version >= PG18 && imagePlan?.current != null ? imagePlan : null;
  const older = current === null ? (imagePlan?.older ?? null) : null;
  const values = encodeArguments(binding.parameters, call.arguments);
  const rows = Math.min(tool.cap.rowsWritten + tool.cap.rowsDeleted + 1, IMAGES_FETCHED);
  const maxRows = Math.max(tool.cap.rowsRead + 1, rows);
  const name = `sbx_${tool.digest.slice(0, 40)}`;
  const lock = Math.min(purpose === 'preview' ? PREVIEW_LOCK_MS : EXECUTE_LOCK_MS, tool.timeoutMs);
  const locking =
    older?.lock == null
      ? []
      : [{ statement: { name: `${name}_lock`, text: older.lock }, values, maxRows }];
  const text = current?.current ?? older?.text ?? binding.statement;
  return {
    steps: [
      { statement: BEGIN },
      { statement: BASELINE, values: [String(lock), String(tool.timeoutMs)] },
      ...locking,
      { statement: { name, text }, values, maxRows },
      { statement: DEFERRED_NOW },
      { statement: MEASURE },
    ],
    main: 2 + locking.length,
    pictures: (before, main) => {
      if (current !== null) return currentPictures(current, main);
      if (imagePlan === null || older === null) return null;
      return olderPictures(imagePlan, older, locking.length === 0 ? null : before, main);
    },
  };
}

/** From the command's own tag; when its rows were too many to fetch, from the statistics. */
function affectedBy(main: Answer, byTable: Measured['byTable']): number {
  const told = / (\d+)$/.exec(main.tag ?? '')?.[1];
  if (told !== undefined) return Number(told);
  return byTable.reduce(
    (total, count) => total + count.inserted + count.updated + count.deleted,
    0,
  );
}

/** Which cluster and timeline this session writes to; where the role may not ask, nobody can probe later. */
async function clusterOf(cockpit: Cockpit, session: Session): Promise<string> {
  if (cockpit.sessions.cluster !== null) return cockpit.sessions.cluster;
  const [answer] = await exchange(cockpit, session, [{ statement: CLUSTER }]);
  cockpit.sessions.cluster = answer?.rows[0]?.[0] ?? '';
  return cockpit.sessions.cluster;
}

/** Never throws: a session that cannot roll back is dropped, and the server rolls back. */
async function rollBack(cockpit: Cockpit, session: Session): Promise<void> {
  const { sessions } = cockpit;
  if (!session.alive) {
    sessions.drop(session);
    return;
  }
  const timer = cockpit.timers.after(COMMIT_MS, () => session.destroy());
  try {
    await session.exchange([{ statement: ROLLBACK }]);
    sessions.give(session);
  } catch {
    sessions.drop(session);
  } finally {
    timer.cancel();
  }
}

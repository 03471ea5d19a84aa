import { ConnectorFailure, type Flight, type ProbeAnswer } from '../../domain/connector.ts';
import type { Timers } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Measured, ToolResult } from '../../domain/proposal.ts';
import { type Cockpit, cut, exchange, takeSession } from './cockpit.ts';
import { drifted } from './drift.ts';
import type { Answer, Prepared } from './exchange.ts';
import { isRolledBack } from './faults.ts';
import { isDrift } from './fingerprint.ts';
import { countsBetween, measuredWrite } from './measure.ts';
import { resultOf } from './result.ts';
import type { Session } from './session.ts';
import { fateOf, HISTORY, type History, toJson } from './trace.ts';
import { planOf } from './write-plan.ts';

/*
 * begun ──finish──▶ committing ──▶ committed | rolled back | unknown (the answer was lost: asked, then said so)
 *   ├──cancel─────▶ rolled back
 *   └──abort, deadline, lost session──▶ rolled back (COMMIT was never sent)
 */

/** How long COMMIT may take to answer before it is asked about elsewhere. */
const COMMIT_MS = 10_000;
/** A backend that was ended needs a moment to be gone. */
const FATE_TRIES = 40;
const FATE_PAUSE_MS = 50;

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
    const history = await historyOf(cockpit, session);
    const begun = await execute(cockpit, session, history);
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
      if (error instanceof ConnectorFailure) {
        sessions.drop(this.#session);
        throw error;
      }
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

  /** COMMIT was sent and its answer did not come: the target knows, once the backend is gone. */
  async #afterLostAnswer(): Promise<ToolResult> {
    const { admin, call, timers } = this.#cockpit;
    cut(this.#cockpit, this.#session);
    let fate: ProbeAnswer = 'running';
    for (let asked = 0; fate === 'running' && asked < FATE_TRIES; asked++) {
      if (asked > 0) await pause(timers, FATE_PAUSE_MS);
      fate = await fateOf(admin, call.connection, this.trace).catch(() => 'unknown' as const);
    }
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

async function execute(cockpit: Cockpit, session: Session, history: History): Promise<Begun> {
  const { call, binding } = cockpit;
  const { tool } = call;
  const plan = planOf(cockpit, session);
  const answers = await exchange(cockpit, session, plan.steps).catch((error: unknown) => {
    throw explained(cockpit, error);
  });
  const at = (index: number): Answer => answers[index] ?? { fields: [], rows: [], tag: '' };
  const main = at(plan.main);
  const measure = at(answers.length - 1);
  const oid = plan.function === null ? null : at(plan.function).rows[0]?.[0];
  if (oid != null) cockpit.sessions.functions.set(tool.digest, oid);
  const byTable = countsBetween(at(1), measure);
  const pictures = plan.pictures(at(plan.main - 1), main);
  const caps = { rows: tool.cap.rowsRead, bytes: tool.maxResultBytes };
  const affected = affectedBy(main, byTable);
  const { result, rowsRead } = resultOf(main, binding.columns.length, caps, affected);
  const [, xid = '', database = ''] = measure.rows[0] ?? [];
  return {
    result,
    measured: measuredWrite(byTable, pictures, rowsRead, call.purpose),
    trace: toJson({ xid: xid ?? '', database: database ?? '', ...history }),
  };
}

function explained({ call }: Cockpit, error: unknown): unknown {
  if (!(error instanceof ConnectorFailure)) return error;
  if (error.code === 'CONNECTOR_REFUSED' && isDrift(error.message)) return drifted();
  if (error.code !== 'CONNECTOR_TIMEOUT' || call.purpose !== 'preview') return error;
  const message = `it touches too much to preview: ${error.message}`;
  return new ConnectorFailure(error.code, message, 'none');
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

/** Asked once per session: no session outlives a crash, a failover or a restore. */
async function historyOf(cockpit: Cockpit, session: Session): Promise<History> {
  if (session.history !== null) return session.history;
  const [answer] = await exchange(cockpit, session, [{ statement: HISTORY }]);
  const [cluster, incarnation] = answer?.rows[0] ?? [];
  session.history = { cluster: cluster ?? '', incarnation: incarnation ?? '' };
  return session.history;
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

function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(ms, resolve);
  });
}

import {
  type Call,
  type Connector,
  ConnectorFailure,
  type Flight,
  type ProbeAnswer,
  type ProbeQuery,
} from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { measuredRead } from '../../domain/measured.ts';
import type { StopSignal } from '../../domain/stop.ts';
import { bindingOf, type SqliteBinding } from './binding.ts';
import type { SqliteChild } from './child.ts';
import { SqliteChildren } from './children.ts';
import { measuredWrite, resultOf } from './measure.ts';
import { encodeArguments } from './values.ts';
import type { Question, Ran } from './wire.ts';

/** How long COMMIT may take before the process is given up and nobody knows. */
const COMMIT_MS = 10_000;
/** The file is locked for others while a write is open. */
const PREVIEW_MS = 2_000;
const ROWS_FETCHED = 20_000;

/**
 * Planned statements on a file of SQLite, in processes of their own. The file is opened by Signalbox itself: there are no
 * roles, so tables and columns are held by SQLite's authorizer and rows by the statement alone.
 */
export function createSqliteConnector({ timers }: Pick<Doors, 'timers'>): Connector {
  const children = new SqliteChildren(timers);

  return {
    kind: 'sqlite',
    async begin(call): Promise<Flight> {
      const binding = planned(call);
      const file = fileOf(call.connection.settings);
      const mode = binding.writes ? 'write' : 'read';
      const child = await children.take(call.runId, file, mode, call.signal);
      try {
        const ran = await ask(child, question(call, binding), limitOf(call), call.signal);
        if (binding.writes) return new WriteFlight({ call, binding, child, children, ran });
        children.give(child);
        return readFlight(call, ran);
      } catch (error) {
        children.give(child);
        throw error;
      }
    },

    // SQLite keeps no record of a transaction: after a lost commit nobody can be asked
    async probe({ trace }: ProbeQuery): Promise<ProbeAnswer> {
      return trace === null ? 'failed' : 'unknown';
    },

    async release(runId): Promise<void> {
      children.release(runId);
    },

    async close(): Promise<void> {
      children.release(null);
    },
  };
}

function planned(call: Call): SqliteBinding {
  try {
    return bindingOf(call.tool);
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error;
    throw new ConnectorFailure(error.code, error.message, 'none');
  }
}

export function fileOf({ path }: Call['connection']['settings']): string {
  if (typeof path !== 'string' || path === '')
    throw new ConnectorFailure('CONNECTOR_REFUSED', 'the connection names no file', 'none');
  return path;
}

function limitOf({ tool, purpose }: Call): number {
  return purpose === 'preview' ? Math.min(PREVIEW_MS, tool.timeoutMs) : tool.timeoutMs;
}

function question({ tool, arguments: given }: Call, binding: SqliteBinding): Question {
  const { statement, parameters, deeds, tables, fingerprint, writes } = binding;
  return {
    ask: writes ? 'write' : 'read',
    sql: statement,
    values: encodeArguments(parameters, given),
    deeds,
    tables,
    fingerprint,
    maxRows: Math.min(tool.cap.rowsRead + 1, ROWS_FETCHED),
  };
}

/** A process that is lost before COMMIT took its transaction with it. */
async function ask(
  child: SqliteChild,
  asked: Question,
  ms: number,
  signal?: StopSignal,
): Promise<Ran> {
  try {
    return (await child.ask(asked, ms, signal)) as Ran;
  } catch (error) {
    if (error instanceof ConnectorFailure || signal?.aborted) throw error;
    const message = 'the process that holds the file was lost before the commit';
    throw new ConnectorFailure('CONNECTOR_UNREACHABLE', message, 'none');
  }
}

function readFlight({ tool }: Call, ran: Ran): Flight {
  const caps = { rows: tool.cap.rowsRead, bytes: tool.maxResultBytes };
  const { result, rowsRead } = resultOf(ran, caps, null);
  return {
    measured: measuredRead(rowsRead),
    trace: null,
    finish: async () => result,
    cancel: async () => {},
  };
}

interface Begun {
  readonly call: Call;
  readonly binding: SqliteBinding;
  readonly child: SqliteChild;
  readonly children: SqliteChildren;
  readonly ran: Ran;
}

/*
 * begun ──finish──▶ committing ──▶ committed | refused | unknown (the process was lost while it committed)
 *   ├──cancel─────▶ rolled back
 *   └──abort──────▶ the process is killed, and SQLite rolls back
 */
class WriteFlight implements Flight {
  readonly measured: Flight['measured'];
  readonly trace: Flight['trace'];
  readonly #begun: Begun;
  readonly #result: Awaited<ReturnType<Flight['finish']>>;
  #state: 'begun' | 'over' = 'begun';

  constructor(begun: Begun) {
    const { call, binding, ran } = begun;
    const { tool } = call;
    const caps = { rows: tool.cap.rowsRead, bytes: tool.maxResultBytes };
    const { result, rowsRead } = resultOf(ran, caps, ran.changed);
    this.#begun = begun;
    this.#result = result;
    this.measured = measuredWrite(binding, ran, rowsRead);
    this.trace = { file: fileOf(call.connection.settings) };
    call.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async finish(): Promise<Awaited<ReturnType<Flight['finish']>>> {
    const { call, child, children } = this.#begun;
    call.signal.throwIfAborted();
    if (this.#state !== 'begun' || child.gone)
      throw new ConnectorFailure(
        'CONNECTOR_UNREACHABLE',
        'the process that holds the file was lost before the commit',
        'none',
      );
    this.#over();
    try {
      await child.ask({ ask: 'commit' }, COMMIT_MS);
      return this.#result;
    } catch (error) {
      const refused = error instanceof ConnectorFailure && error.code === 'CONNECTOR_REFUSED';
      if (!refused)
        throw new ConnectorFailure(
          'OUTCOME_UNKNOWN',
          'the process was lost at the commit, and SQLite cannot be asked whether it happened',
          'unknown',
        );
      await this.#rollBack();
      throw error;
    } finally {
      children.give(child);
    }
  }

  async cancel(): Promise<void> {
    if (this.#state !== 'begun') return;
    this.#over();
    await this.#rollBack();
    this.#begun.children.give(this.#begun.child);
  }

  /** A process that cannot roll back is killed, and SQLite does. */
  async #rollBack(): Promise<void> {
    const { child } = this.#begun;
    await child.ask({ ask: 'rollback' }, COMMIT_MS).catch(() => child.kill());
  }

  #over(): void {
    this.#state = 'over';
    this.#begun.call.signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    if (this.#state !== 'begun') return;
    this.#over();
    this.#begun.child.kill();
    this.#begun.children.give(this.#begun.child);
  };
}

import type { Connection, Tool } from '../../domain/bundle.ts';
import { ConnectorFailure, type Derived, type Inspector } from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import { sqlRecovery } from '../../tools/recovery-sql.ts';
import { checkInputs, checkResultNames } from '../../tools/statement.ts';
import { type Deed, draftOf, type SqliteBinding, toJson } from './binding.ts';
import { SqliteChild } from './child.ts';
import { fileOf } from './connector.ts';
import { ALLOWED_FUNCTIONS, TABLE_FUNCTIONS } from './functions.ts';
import { parseStatement } from './statement.ts';
import type { Studied } from './wire.ts';

const STUDY_MS = 10_000;
const WRITES: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE']);

/** Lets SQLite itself say what a statement can do: it is prepared, under an authorizer that writes down, and never run. */
export function createSqliteInspector({ timers }: Pick<Doors, 'timers'>): Inspector {
  return {
    kind: 'sqlite',
    async derive(draft: Tool, connection: Connection): Promise<Derived> {
      const wanted = draftOf(draft);
      const statement = parseStatement(wanted.sql);
      const { properties } = draft.inputSchema;
      checkInputs(statement.parameters, isJsonObject(properties) ? Object.keys(properties) : []);
      const studied = await study(statement.text, connection, timers);
      for (const deed of studied.deeds) checkDeed(deed, studied);
      checkResultNames(studied.columns);
      const writes = studied.deeds.some(({ what }) => WRITES.has(what));
      const deletes = studied.deeds.some(({ what }) => what === 'DELETE');
      const binding: SqliteBinding = {
        ...wanted,
        statement: statement.text,
        parameters: statement.parameters,
        writes,
        deletes,
        deeds: studied.deeds,
        tables: studied.tables,
        fingerprint: studied.fingerprint,
      };
      const recovery = [...studied.triggers.map(({ sql }) => sql), ...deedsAsSql(studied)]
        .map(sqlRecovery)
        .find((found) => found !== null);
      return {
        effect: deletes ? 'destroy' : writes ? 'write' : 'read',
        recoveryPath: recovery !== undefined,
        idempotent: !writes,
        binding: toJson(binding),
        derivation: narrate(studied, writes, deletes, recovery ?? null),
      };
    },
    // there are no roles: the file is opened by Signalbox itself
    async prepare(): Promise<void> {},
  };
}

async function study(
  sql: string,
  connection: Connection,
  timers: Doors['timers'],
): Promise<Studied> {
  let child: SqliteChild | null = null;
  try {
    child = await SqliteChild.start(fileOf(connection.settings), 'read', timers);
    return (await child.ask({ ask: 'study', sql }, STUDY_MS)) as Studied;
  } catch (error) {
    if (!(error instanceof ConnectorFailure)) throw error;
    if (child === null)
      throw new SignalboxError(
        'CONNECTOR_UNREACHABLE',
        `the file cannot be opened: ${error.message}`,
      );
    throw new SignalboxError('TOOL_UNRESOLVED', error.message);
  } finally {
    child?.kill();
  }
}

/** Whatever is not named here is refused: ATTACH, PRAGMA, CREATE, DROP, ALTER, transactions, recursion, … */
function checkDeed({ what, first, second }: Deed, { tables }: Studied): void {
  switch (what) {
    case 'SELECT':
      return;
    case 'FUNCTION':
      if (!ALLOWED_FUNCTIONS.has(second.toLowerCase()))
        throw forbidden(second, 'this function is not on the list of harmless ones');
      return;
    case 'READ':
      if (/^(?:sqlite_|pragma_)/i.test(first) || ENGINE_TABLES.has(first.toLowerCase()))
        throw forbidden(first, 'a tool does not look into the catalogue');
      return;
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
      if (/^sqlite_/i.test(first) || !tables.includes(first))
        throw forbidden(`a write to ${first}`, 'it is no table of yours');
      return;
    default:
      throw forbidden(what, 'a tool is one SELECT, INSERT, UPDATE or DELETE');
  }
}

/** Tables that the engine makes up: its pages, statements and options. */
const ENGINE_TABLES: ReadonlySet<string> = new Set(['bytecode', 'dbstat', 'tables_used']);

/** What it does in words that the catalogue of recovery paths understands. */
function deedsAsSql({ deeds }: Studied): string[] {
  return deeds.flatMap(({ what, first }) =>
    what === 'DELETE' ? [`delete from ${first}`] : what === 'UPDATE' ? [`update ${first} set`] : [],
  );
}

function narrate(
  { deeds, triggers }: Studied,
  writes: boolean,
  deletes: boolean,
  recovery: string | null,
): string[] {
  const told = new Map<string, Set<string>>();
  for (const { what, first, second, by } of deeds) {
    if (what !== 'READ' && !WRITES.has(what)) continue;
    if (TABLE_FUNCTIONS.has(first)) continue;
    const verb = {
      READ: 'reads',
      INSERT: 'inserts into',
      UPDATE: 'updates',
      DELETE: 'deletes from',
    }[what];
    const line = `${verb} ${first}${by === '' ? '' : ` (by \`${by}\`)`}`;
    const columns = told.get(line) ?? new Set();
    if (second !== '') columns.add(second);
    told.set(line, columns);
  }
  return [
    `as SQLite prepares it: ${deletes ? 'destroy' : writes ? 'write' : 'read'}`,
    ...[...told].map(([line, columns]) =>
      columns.size === 0 ? line : `${line}: ${[...columns].join(', ')}`,
    ),
    ...triggers.map(({ name }) => `trigger \`${name}\` runs`),
    ...(recovery === null ? [] : [`it removes or changes what people recover from (${recovery})`]),
    'SQLite has no roles: the file is opened by Signalbox, columns are held by its authorizer, rows by the statement only',
  ];
}

function forbidden(construct: string, why: string): SignalboxError {
  return new SignalboxError('TOOL_FORBIDDEN', `\`${construct}\` is not allowed: ${why}`);
}

import pg from 'pg';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { PoolerFound } from './session.ts';

const MAX_MESSAGE = 500;

/** SQLSTATE → what it means here; everything else of the server is a refusal of its own. */
const STATES: { readonly [state: string]: readonly [ErrorCode, string] } = {
  '28000': ['CREDENTIAL_FAILED', 'the minted login was refused'],
  '28P01': ['CREDENTIAL_FAILED', 'the minted login was refused'],
  '40001': ['CONNECTOR_REFUSED', 'another transaction changed the same rows; try again'],
  '40P01': ['CONNECTOR_REFUSED', 'a deadlock with another transaction; try again'],
  '53300': ['CONNECTOR_UNREACHABLE', 'the database has no room for another session'],
  '55P03': ['CONNECTOR_REFUSED', 'the rows are locked by another session; try again'],
  '57014': ['CONNECTOR_TIMEOUT', 'the statement took longer than it may'],
  '57P01': ['CONNECTOR_UNREACHABLE', 'the session was ended by the database'],
  '57P02': ['CONNECTOR_UNREACHABLE', 'the database crashed'],
  '57P03': ['CONNECTOR_UNREACHABLE', 'the database is starting or stopping'],
  '25P03': ['CONNECTOR_TIMEOUT', 'the transaction idled longer than it may'],
  '25P04': ['CONNECTOR_TIMEOUT', 'the transaction took longer than it may'],
};

/** The session ended under a call, before COMMIT was sent. `stale`: it had idled, so a fresh one may do better. */
export class SessionLost extends ConnectorFailure {
  readonly stale: boolean;
  constructor(message: string, stale: boolean) {
    super('CONNECTOR_UNREACHABLE', message, 'none');
    this.stale = stale;
  }
}

/** A fault before COMMIT was sent: nothing happened at the target, and nothing will. */
export function faultBefore(error: unknown, stale = false): ConnectorFailure {
  if (error instanceof ConnectorFailure) return error;
  if (error instanceof pg.DatabaseError) return refusedByServer(error, stale);
  if (error instanceof PoolerFound)
    return new ConnectorFailure('CREDENTIAL_FAILED', error.message, 'none');
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return new SessionLost(`the database cannot be reached (${error.code})`, stale);
  return new SessionLost('the session was lost', stale);
}

function refusedByServer(error: pg.DatabaseError, stale: boolean): ConnectorFailure {
  const [code, message] = STATES[error.code ?? ''] ?? [];
  if (error.severity === 'FATAL' && message !== undefined && stale)
    return new SessionLost(message, stale);
  if (code !== undefined && message !== undefined)
    return new ConnectorFailure(code, message, 'none');
  const said = error.message.slice(0, MAX_MESSAGE);
  return new ConnectorFailure('CONNECTOR_REFUSED', `${said} (${error.code})`, 'none');
}

/** The server answered COMMIT with an error of its transaction, so it was rolled back. A FATAL one proves nothing. */
export function isRolledBack(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

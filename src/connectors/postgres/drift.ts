import { ConnectorFailure } from '../../domain/connector.ts';
import { type Cockpit, exchange } from './cockpit.ts';
import type { Prepared } from './exchange.ts';
import { FINGERPRINT, fingerprintValues } from './fingerprint.ts';
import { CATALOGUE_PATH } from './login.ts';
import type { Session } from './session.ts';
import { checkValues, FUNCTION_CHECK } from './tool-function.ts';

const BEGIN: Prepared = { name: 'sbx_begin_read', text: 'BEGIN READ ONLY' };
const COMMIT: Prepared = { name: 'sbx_commit', text: 'COMMIT' };
/** The fingerprint was taken under this path; names print differently under another. */
const PATH: Prepared = {
  name: 'sbx_path',
  text: `SELECT pg_catalog.set_config('search_path', '${CATALOGUE_PATH}', true)`,
};

/**
 * Is the target still what the tool was judged by? Once per read tool and lease; a write has it in its own transaction.
 * Throws TOOL_DRIFTED.
 */
export async function checkDrift(cockpit: Cockpit, session: Session): Promise<void> {
  const { sessions, binding, call } = cockpit;
  const made = binding.function;
  if (sessions.compared.has(call.tool.digest)) return;
  const answers = await exchange(cockpit, session, [
    { statement: BEGIN },
    { statement: PATH },
    { statement: FINGERPRINT, values: fingerprintValues(binding.watched) },
    ...(made === undefined
      ? []
      : [
          {
            statement: FUNCTION_CHECK,
            values: checkValues(call.connection, call.tool.digest, made),
          },
        ]),
    { statement: COMMIT },
  ]);
  if (answers[2]?.rows[0]?.[0] !== binding.fingerprint) throw drifted();
  if (made !== undefined) {
    const oid = answers[3]?.rows[0]?.[0] ?? null;
    if (oid === null) throw drifted();
    sessions.functions.set(call.tool.digest, oid);
  }
  sessions.compared.add(call.tool.digest);
}

export function drifted(): ConnectorFailure {
  const message = 'its tables, triggers or functions changed since the plan';
  return new ConnectorFailure('TOOL_DRIFTED', message, 'none');
}

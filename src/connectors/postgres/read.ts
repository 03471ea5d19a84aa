import type { Flight } from '../../domain/connector.ts';
import { measuredRead } from '../../domain/measured.ts';
import { type Cockpit, exchange, takeSession } from './cockpit.ts';
import { checkDrift } from './drift.ts';
import { resultOf } from './result.ts';
import { callOf } from './tool-function.ts';
import { encodeArguments } from './values.ts';

/** The statement, or the call of the function that it stands in. */
function textOf({ call: { connection, tool }, binding }: Cockpit): string {
  const made = binding.function;
  return made === undefined ? binding.statement : callOf(connection, tool.digest, made);
}

/** Runs the read in one round trip on a session that refuses writes; nothing is left to commit. */
export async function beginRead(cockpit: Cockpit): Promise<Flight> {
  const { call, binding, sessions } = cockpit;
  const { tool } = call;
  const session = await takeSession(cockpit, 'read');
  try {
    await checkDrift(cockpit, session);
    const [answer] = await exchange(cockpit, session, [
      {
        statement: { name: `sbx_${tool.digest.slice(0, 40)}`, text: textOf(cockpit) },
        values: encodeArguments(binding.parameters, call.arguments),
        // One more than may be shown, to know that there are more.
        maxRows: tool.cap.rowsRead + 1,
      },
    ]);
    const caps = { rows: tool.cap.rowsRead, bytes: tool.maxResultBytes };
    const { result, rowsRead } = resultOf(
      answer ?? { fields: [], rows: [], tag: '' },
      binding.columns.length,
      caps,
      null,
    );
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

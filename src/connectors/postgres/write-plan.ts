import type { Cockpit } from './cockpit.ts';
import type { Answer, Prepared, Step } from './exchange.ts';
import { FINGERPRINT_GATE, fingerprintValues } from './fingerprint.ts';
import { CATALOGUE_PATH, SEARCH_PATH } from './login.ts';
import { BASELINE, DEFERRED_NOW, IMAGES_FETCHED, MEASURE, PATH, type Pictures } from './measure.ts';
import { currentPictures, olderPictures } from './pictures.ts';
import { PG18 } from './server-needs.ts';
import type { Session } from './session.ts';
import { callOf, checkValues, FUNCTION_GATE } from './tool-function.ts';
import { encodeArguments } from './values.ts';

const PREVIEW_LOCK_MS = 1_000;
/** A preview is undone again: what takes longer has touched far more than a human could look at. */
const PREVIEW_MS = 2_000;
const EXECUTE_LOCK_MS = 5_000;
const BEGIN: Prepared = { name: 'sbx_begin', text: 'BEGIN ISOLATION LEVEL REPEATABLE READ' };

export interface Plan {
  readonly steps: readonly Step[];
  /** Which step is the tool's statement. */
  readonly main: number;
  /** Which step tells the OID of the function that the statement stands in. */
  readonly function: number | null;
  readonly pictures: (before: Answer, main: Answer) => Pictures | null;
}

/** BEGIN, baseline, gate, (lock), statement, deferred triggers, measure: one round trip; the first failure stops it. */
export function planOf({ call, binding, sessions }: Cockpit, session: Session): Plan {
  const { tool, purpose, connection } = call;
  const made = binding.function;
  const { imagePlan } = binding;
  const current = session.version >= PG18 && imagePlan?.current != null ? imagePlan : null;
  const older = current === null ? (imagePlan?.older ?? null) : null;
  const values = encodeArguments(binding.parameters, call.arguments);
  const rows = Math.min(tool.cap.rowsWritten + tool.cap.rowsDeleted + 1, IMAGES_FETCHED);
  const maxRows = Math.max(tool.cap.rowsRead + 1, rows);
  const name = `sbx_${tool.digest.slice(0, 40)}`;
  const lock = Math.min(purpose === 'preview' ? PREVIEW_LOCK_MS : EXECUTE_LOCK_MS, tool.timeoutMs);
  const limit = purpose === 'preview' ? Math.min(PREVIEW_MS, tool.timeoutMs) : tool.timeoutMs;
  const locking =
    older?.lock == null
      ? []
      : [{ statement: { name: `${name}_lock`, text: older.lock }, values, maxRows }];
  const text =
    made === undefined
      ? (current?.current ?? older?.text ?? binding.statement)
      : callOf(connection, tool.digest, made);
  const gate =
    made === undefined
      ? []
      : [
          {
            statement: FUNCTION_GATE,
            values: [
              ...checkValues(connection, tool.digest, made),
              sessions.functions.get(tool.digest) ?? null,
            ],
          },
        ];
  return {
    steps: [
      { statement: BEGIN },
      { statement: BASELINE, values: [String(lock), String(limit), CATALOGUE_PATH] },
      {
        statement: FINGERPRINT_GATE,
        values: [...fingerprintValues(binding.watched), binding.fingerprint],
      },
      ...gate,
      { statement: PATH, values: [SEARCH_PATH] },
      ...locking,
      { statement: { name, text }, values, maxRows },
      { statement: DEFERRED_NOW },
      { statement: MEASURE },
    ],
    main: 4 + gate.length + locking.length,
    function: gate.length === 0 ? null : 3,
    pictures: (before, main) => {
      if (current !== null) return currentPictures(current, main);
      if (imagePlan === null || older === null) return null;
      return olderPictures(imagePlan, older, locking.length === 0 ? null : before, main);
    },
  };
}

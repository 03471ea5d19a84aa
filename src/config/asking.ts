import type { Connection } from '../domain/bundle.ts';
import type { Inspector } from '../domain/connector.ts';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';

/** How the systems behind tools are asked what those tools really do. */
export interface Inspection {
  readonly inspectors: ReadonlyMap<string, Inspector>;
  /** With it one answer may take 20 s; without it an inspector’s own timeouts hold. */
  readonly timers?: Timers;
  /** May this server be started or called, as the file describes it and with this to start? Without it every one may. */
  readonly mayAsk?: (connection: Connection, launch: JsonObject | null) => boolean;
}

const AT_ONCE = 8;
const ANSWER_MS = 20_000;

/** The answer, or SignalboxError `CONNECTOR_TIMEOUT`. */
export async function answered<T>(
  answer: Promise<T>,
  connection: Connection,
  timers: Timers | undefined,
): Promise<T> {
  if (timers === undefined) return answer;
  const late = Promise.withResolvers<never>();
  const timer = timers.after(ANSWER_MS, () => {
    late.reject(
      new SignalboxError(
        'CONNECTOR_TIMEOUT',
        `\`${connection.name}\` gave no answer in ${ANSWER_MS / 1000} s`,
      ),
    );
  });
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    timer.cancel();
  }
}

/** Some at once, answers in the order of the questions. */
export async function inTurn<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) {
      const item = items[i];
      if (item !== undefined) results[i] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}

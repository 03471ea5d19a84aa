import type { Connection } from '../../domain/bundle.ts';
import type { Change } from '../../domain/connector.ts';
import type { Timers } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { outwardUri } from '../../protocols/mcp/upstream-uri.ts';

const QUIET_MS = 200;
const MAX_KEYS = 1_000;
const MAX_URI = 2_048;
const LISTS = new Map<string, 'tools' | 'prompts' | 'resources'>([
  ['notifications/tools/list_changed', 'tools'],
  ['notifications/prompts/list_changed', 'prompts'],
  ['notifications/resources/list_changed', 'resources'],
]);

/** The change that a notification of a server tells; null when it tells none. */
export function changeOf(
  connection: Connection,
  method: string,
  { uri }: JsonObject,
): Change | null {
  const { name } = connection;
  const what = LISTS.get(method);
  if (what !== undefined) return { connection: name, what };
  if (method !== 'notifications/resources/updated') return null;
  if (typeof uri !== 'string' || uri.length > MAX_URI) return null;
  return { connection: name, what: 'resource', uri: outwardUri(connection, uri) };
}

/** Hands changes on: the first at once, more of the same within a moment as one. */
export class Feed {
  readonly #tell: (change: Change) => void;
  readonly #timers: Timers;
  /** True: another one came meanwhile. */
  readonly #recent = new Map<string, boolean>();

  constructor(tell: (change: Change) => void, timers: Timers) {
    this.#tell = tell;
    this.#timers = timers;
  }

  changed(change: Change): void {
    const key = JSON.stringify([change.connection, change.what, change.uri ?? null]);
    if (this.#recent.has(key)) this.#recent.set(key, true);
    else if (this.#recent.size < MAX_KEYS) this.#now(key, change);
  }

  #now(key: string, change: Change): void {
    this.#recent.set(key, false);
    this.#timers.after(QUIET_MS, () => {
      const again = this.#recent.get(key) === true;
      this.#recent.delete(key);
      if (again) this.#now(key, change);
    });
    this.#tell(change);
  }
}

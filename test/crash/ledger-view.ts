/**
 * The harness's own look into the store's file, beside or after the process that writes it: what was durable at that
 * moment. Read-only, and with statements of its own.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { digestOf } from '../../src/domain/digest.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { DATABASE_FILE } from '../../src/store/sqlite/lock.ts';

/** An intent to execute that has no outcome yet; `marked` once it may have been finished. */
export interface OpenIntent {
  readonly action: string;
  readonly tool: string;
  readonly marked: boolean;
}

const INTENT = `SELECT state, trace FROM actions
  WHERE tool = ? AND arguments_digest = ? AND purpose = 'execute'
  AND state NOT IN ('denied', 'drafted', 'parked') ORDER BY at DESC, id DESC LIMIT 1`;
const EVENTS = `SELECT id, type, body FROM events
  WHERE id > ? AND type IN ('action.intent', 'action.marked', 'action.outcome') ORDER BY id`;

export class LedgerView {
  readonly #file: string;
  #database: DatabaseSync | null = null;
  #last = 0;
  readonly #open = new Map<string, OpenIntent>();

  constructor(directory: string) {
    this.#file = join(directory, DATABASE_FILE);
  }

  /** What stands open in the chains; reads on from where it stopped last time. */
  openIntents(): readonly OpenIntent[] {
    const rows = this.#reader().prepare(EVENTS).iterate(this.#last);
    for (const row of rows as Iterable<{ id: number; type: string; body: string }>) {
      this.#last = row.id;
      this.#fold(row.type, JSON.parse(row.body) as JsonObject);
    }
    return [...this.#open.values()];
  }

  /** How far the newest execution of exactly this call has come; null without an intent. */
  progress(tool: string, args: JsonObject): 'open' | 'marked' | 'over' | null {
    const row = this.#reader().prepare(INTENT).get(tool, digestOf('arguments', args));
    if (row === undefined) return null;
    if (row.state !== 'open') return 'over';
    return row.trace === null ? 'open' : 'marked';
  }

  close(): void {
    this.#database?.close();
    this.#database = null;
  }

  #reader(): DatabaseSync {
    this.#database ??= new DatabaseSync(this.#file, { readOnly: true, timeout: 5_000 });
    return this.#database;
  }

  #fold(type: string, body: JsonObject): void {
    const action = String(body.action);
    const known = this.#open.get(action);
    if (type === 'action.intent' && body.purpose === 'execute')
      this.#open.set(action, { action, tool: String(body.tool), marked: false });
    else if (type === 'action.marked' && known !== undefined)
      this.#open.set(action, { ...known, marked: true });
    else if (type === 'action.outcome' && body.outcome !== 'running') this.#open.delete(action);
  }
}

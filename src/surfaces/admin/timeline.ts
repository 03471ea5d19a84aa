import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { ReadableEvent } from '../../domain/store.ts';

/** One check's ceiling, with its words when they are not erased. */
export interface VerdictView {
  readonly check: string;
  readonly ceiling: string;
  readonly code: string;
  readonly reason: string | null;
  readonly fix: string | null;
  /** The ceiling it would have given, had its agent not been observed. */
  readonly would?: string;
}

/** One record of a run, opened for reading. `payload` is null once the run is erased. */
export interface EventView {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly code: string | null;
  readonly hash: string;
  readonly body: JsonObject;
  readonly payload: JsonObject | null;
  readonly erased: boolean;
  /** Of records about one action. */
  readonly action: string | null;
  readonly verdicts: readonly VerdictView[];
}

export function eventView(event: ReadableEvent): EventView {
  const body = parsed(event.body);
  const payload = event.payload ?? null;
  return {
    seq: event.seq,
    at: event.at,
    type: event.type,
    code: textOf(body.code),
    hash: event.hash,
    body,
    payload,
    erased: event.payload === null,
    action: textOf(body.action),
    verdicts: verdictsOf(body, payload),
  };
}

function verdictsOf(body: JsonObject, payload: JsonObject | null): VerdictView[] {
  const reasons = listOf(payload?.reasons);
  const passed = (Array.isArray(body.passed) ? body.passed : []).map((check) => ({
    ...{
      check: textOf(check) ?? '',
      ceiling: 'auto',
      code: 'OK',
      reason: 'nothing against it',
      fix: null,
    },
  }));
  const others = listOf(body.verdicts).map((verdict, index) => {
    const reason = reasons[index];
    const said = reason?.check === verdict.check ? reason : undefined;
    return {
      check: textOf(verdict.check) ?? '',
      ceiling: textOf(verdict.ceiling) ?? '',
      code: textOf(verdict.code) ?? '',
      reason: textOf(said?.reason),
      fix: textOf(said?.fix),
      ...(typeof verdict.would === 'string' ? { would: verdict.would } : {}),
    };
  });
  return [...passed, ...others];
}

export function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function parsed(body: string): JsonObject {
  const value: unknown = JSON.parse(body);
  return isJsonObject(value) ? value : {};
}

import type { JsonObject } from '../../domain/json.ts';
import type { Spend } from '../../domain/spend.ts';
import type { ReadableEvent } from '../../domain/store.ts';
import { digested } from './print.ts';
import { amended, type Trail, type Turn, turned } from './trail.ts';

/** A run that was begun under another says what it is for: the same again and again is talk in a circle. */
export function begunTurn(run: string, at: number, intent: string): Omit<Turn, 'after'> {
  return { id: run, at, moneyMicros: 0, tokens: 0, context: null, said: saidOf(intent) };
}

export function spentTurn(spend: Spend, at: number): Omit<Turn, 'after'> {
  const { id, source, tokensIn, tokensOut, moneyMicros, said } = spend;
  return {
    ...{ id, at, moneyMicros: moneyMicros ?? 0, tokens: (tokensIn ?? 0) + (tokensOut ?? 0) },
    ...{ context: source === 'reported' ? tokensIn : null, said },
  };
}

/** Short texts are said again for many reasons. */
const TELLING = 24;

/** What tells whether a text was said before; null: nothing does. */
export function saidOf(text: string): string | null {
  return text.trim().length < TELLING ? null : digested(text.trim());
}

/** The trail with what a record of a run tells besides its actions. */
export function withTurn(trail: Trail, event: ReadableEvent, body: JsonObject): Trail {
  switch (event.type) {
    case 'run.spent':
      return turned(trail, turnIn(event, body));
    case 'run.refunded':
      return amended(trail, costOf(body));
    case 'run.begun':
      return turned(trail, begunTurn(event.chain, event.at, String(event.payload?.intent ?? '')));
    default:
      return trail;
  }
}

function turnIn({ payload, at }: ReadableEvent, body: JsonObject): Omit<Turn, 'after'> {
  const { source, tokensIn } = body;
  const { said } = payload ?? {};
  return {
    ...{ ...costOf(body), at },
    context: source === 'reported' && typeof tokensIn === 'number' ? tokensIn : null,
    said: typeof said === 'string' ? said : null,
  };
}

function costOf(body: JsonObject): Pick<Turn, 'id' | 'moneyMicros' | 'tokens'> {
  const { spend, moneyMicros, tokensIn, tokensOut } = body;
  return {
    id: String(spend),
    moneyMicros: Number(moneyMicros ?? 0),
    tokens: Number(tokensIn ?? 0) + Number(tokensOut ?? 0),
  };
}

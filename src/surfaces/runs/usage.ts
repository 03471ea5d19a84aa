import type { ModelUsage } from '../../broker/spend.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { closed, isPlain, malformed } from './wanted.ts';

const MEMBERS = ['model', 'tokensIn', 'tokensOut', 'moneyMicros', 'text', 'by'];
const MOST_TOKENS = 100_000_000;
const MOST_MONEY = 1_000_000_000_000;
const MOST_NAME = 128;
/** Characters of what a model said; of a longer text the rest is not looked at. */
const MOST_TEXT = 16_384;

/** What the run's own side says of one model call. Throws REQUEST_MALFORMED. */
export function usageOf(runId: string, body: Json): ModelUsage {
  const said = closed(body, MEMBERS);
  const { by = 'client', model = null, text = null } = said;
  const usage = {
    runId,
    by: nameOf('by', by),
    model: model === null ? null : nameOf('model', model),
    tokensIn: countOf(said, 'tokensIn', MOST_TOKENS),
    tokensOut: countOf(said, 'tokensOut', MOST_TOKENS),
    moneyMicros: countOf(said, 'moneyMicros', MOST_MONEY),
    text: text === null ? null : textOf(text),
  };
  if (usage.tokensIn === null && usage.tokensOut === null && usage.moneyMicros === null)
    throw malformed('expected `tokensIn`, `tokensOut` or `moneyMicros`, got none of them');
  return usage;
}

function countOf(said: JsonObject, name: string, most: number): number | null {
  const value = said[name] ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most)
    return value;
  throw malformed(`expected \`${name}\` to be a whole number from 0 to ${most}`);
}

function nameOf(what: string, value: Json): string {
  if (typeof value === 'string' && value !== '' && value.length <= MOST_NAME && isPlain(value))
    return value;
  throw malformed(`expected \`${what}\` to be a text of 1 to ${MOST_NAME} characters`);
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value.slice(0, MOST_TEXT);
  throw malformed('expected `text` to be a text');
}

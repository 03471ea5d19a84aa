import type { Redact } from '../../boundary/redact.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { EffectClass } from '../../domain/effect.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { ToolResult } from '../../domain/proposal.ts';
import { cleaned } from '../cleaned.ts';
import { type Parts, partedOr } from '../parted.ts';
import type { Answer } from './exchange.ts';

const MAX_SAID = 300;

/** What the agent gets of an answer that was a success. */
export function resultOf(
  answer: Answer,
  maxBytes: number,
  parts: Parts | null,
  redact: Redact,
): ToolResult {
  const encoding = header(answer, 'content-encoding');
  if (encoding !== '' && encoding !== 'identity')
    return {
      text: '',
      cut: [
        `the answer came as \`${encoding.slice(0, 20)}\`, which was not asked for, and is not shown`,
      ],
    };
  if (!isReadable(answer)) {
    const type = header(answer, 'content-type').slice(0, 60);
    return {
      text: '',
      cut: [`the answer is \`${type}\`, ${answer.body.length} bytes or more, and is not shown`],
    };
  }
  const text = textOf(answer.body);
  if (parts === null) return whole(text, answer, maxBytes, redact);
  const clean = isJson(answer) && !answer.cut ? cleaned(text, redact) : undefined;
  if (clean === undefined)
    return {
      text: '',
      cut: [
        'the answer was not shown: it is no JSON of the expected size, and only parts of it may be handed on',
      ],
    };
  const json = partedOr(clean.json, parts);
  if (json === undefined)
    return { text: '', cut: ['the answer was not shown: its selection is too much work'] };
  const shown = JSON.stringify(json);
  const bytes = Buffer.from(shown);
  if (bytes.length > maxBytes)
    return {
      text: textOf(bytes.subarray(0, maxBytes)),
      cut: [cutWords(maxBytes, bytes.length), ...clean.cut],
    };
  return { text: shown, ...structuredOf(json), cut: clean.cut };
}

function whole(text: string, answer: Answer, maxBytes: number, redact: Redact): ToolResult {
  const safe = redact(text, !answer.cut);
  if (answer.cut)
    return { text: safe, cut: [cutWords(maxBytes, Number(header(answer, 'content-length')))] };
  const clean = isJson(answer) ? cleaned(text, redact) : undefined;
  if (clean === undefined) return { text: safe, cut: [] };
  if (clean.changed)
    return { text: JSON.stringify(clean.json), ...structuredOf(clean.json), cut: clean.cut };
  // a secret where reading the JSON does not keep it, as under a name that comes twice
  if (safe !== text) return { text: safe, cut: [] };
  return { text, ...structuredOf(clean.json), cut: [] };
}

function structuredOf(json: Json): { structured?: JsonObject } {
  return isJsonObject(json) ? { structured: json } : {};
}

/**
 * What an answer that was no success means. A read did nothing. A write that the target refused did nothing; of one
 * that it failed at, gave up on or sent elsewhere, nobody here knows.
 */
export function failureOf(answer: Answer, effect: EffectClass, redact: Redact): ConnectorFailure {
  const { status } = answer;
  const said = redact(textOf(answer.body))
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_SAID)
    .toWellFormed();
  const what =
    status >= 300 && status < 400
      ? `answered ${status}, a redirect, which is not followed`
      : `answered ${status}${said === '' ? '' : `: ${said}`}`;
  return new ConnectorFailure(
    'CONNECTOR_REFUSED',
    `the target ${what}`,
    effect === 'read' || surelyRefused(status) ? 'none' : 'unknown',
  );
}

/** 408: the target or a proxy stopped waiting, perhaps after acting. 307 and 308 ask to be sent again, elsewhere. */
function surelyRefused(status: number): boolean {
  if (status === 408 || status === 499) return false;
  return (status >= 400 && status < 500) || status === 307 || status === 308 || status === 501;
}

export function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** What a HEAD is for: the few headers that say something about the thing. */
export function headOf(answer: Answer, redact: Redact): ToolResult {
  const names = ['content-type', 'content-length', 'last-modified', 'etag'];
  const headers = names.map(
    (name) => [name, redact(rawHeader(answer, name), true).slice(0, 200)] as const,
  );
  const structured = {
    status: answer.status,
    ...Object.fromEntries(headers.filter(([, value]) => value !== '')),
  };
  return { text: JSON.stringify(structured), structured, cut: [] };
}

/** Pictures and archives are no text; what does not say what it is, is taken for text. */
function isReadable(answer: Answer): boolean {
  const type = header(answer, 'content-type');
  return (
    answer.body.length === 0 ||
    type === '' ||
    /^text\/|\b(?:json|xml|yaml|csv|javascript|x-www-form-urlencoded|graphql)\b/.test(type)
  );
}

function isJson(answer: Answer): boolean {
  return /^application\/(?:[a-z0-9.-]+\+)?json\b/i.test(header(answer, 'content-type'));
}

/** A cap may cut inside a character: what is left of it goes. */
function textOf(bytes: Buffer): string {
  return new TextDecoder().decode(bytes, { stream: true });
}

function cutWords(shown: number, all: number): string {
  return `the answer was cut after ${shown} bytes${Number.isSafeInteger(all) && all > shown ? ` of ${all}` : ''}`;
}

function header(answer: Answer, name: string): string {
  return rawHeader(answer, name).toLowerCase();
}

function rawHeader({ headers }: Answer, name: string): string {
  const value = headers[name];
  return String((Array.isArray(value) ? value[0] : value) ?? '');
}

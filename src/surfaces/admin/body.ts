import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject, jsonIn } from '../../domain/json.ts';
import type { Exchange } from '../http/listener.ts';

/** Most bodies here are a name and a reason. */
export const SMALL_BODY = 16_384;
/** A configuration file and its policies of 1 MiB each, escaped (these twice). */
export const CONFIG_BODY = 6_600_000;

export interface Field {
  /** Longest text in characters; `flag` is a boolean instead. */
  readonly most: number | 'flag';
  readonly optional?: boolean;
}

export type Read<Fields extends { readonly [name: string]: Field }> = {
  readonly [Name in keyof Fields]: Fields[Name]['most'] extends 'flag' ? boolean : string;
};

/** A closed object of texts and flags: anything missing, unknown, too long or of another type is refused by name. */
export function read<const Fields extends { readonly [name: string]: Field }>(
  value: unknown,
  fields: Fields,
): Read<Fields> {
  if (!isJsonObject(value))
    throw new SignalboxError('REQUEST_MALFORMED', 'expected a JSON object as body');
  for (const name of Object.keys(value))
    if (!Object.hasOwn(fields, name))
      throw new SignalboxError(
        'REQUEST_MALFORMED',
        `unknown field \`${name.slice(0, 60)}\`, expected ${Object.keys(fields).join(', ')}`,
      );
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, member(value, name, field)]),
  ) as Read<Fields>;
}

function member(value: JsonObject, name: string, field: Field): string | boolean {
  const given = Object.hasOwn(value, name) ? value[name] : undefined;
  if (field.most === 'flag') {
    if (given === undefined || typeof given === 'boolean') return given ?? false;
    throw new SignalboxError('REQUEST_MALFORMED', `expected \`${name}\` to be true or false`);
  }
  if (given === undefined && field.optional === true) return '';
  if (typeof given !== 'string' || (given.trim() === '' && field.optional !== true))
    throw new SignalboxError('REQUEST_MALFORMED', `expected a text as \`${name}\``);
  if (given.length > field.most)
    throw new SignalboxError(
      'REQUEST_TOO_LARGE',
      `expected \`${name}\` of at most ${field.most} characters, got ${given.length}`,
    );
  return given;
}

/** A form as a browser sends it, each field once. */
export async function readForm(exchange: Exchange): Promise<JsonObject> {
  const type = exchange.request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw new SignalboxError('REQUEST_UNSUPPORTED', 'the body does not say that it is a form', {
      help: 'send `content-type: application/x-www-form-urlencoded`',
    });
  const form: { [name: string]: string } = Object.create(null);
  for (const [name, value] of new URLSearchParams(await exchange.text(SMALL_BODY))) {
    if (name in form)
      throw new SignalboxError('REQUEST_MALFORMED', `the form has \`${name.slice(0, 60)}\` twice`);
    form[name] = value;
  }
  return { ...form };
}

export function isForm(exchange: Exchange): boolean {
  return !/^application\/json\s*(;|$)/i.test(exchange.request.headers['content-type'] ?? '');
}

/** Policies that come along with a configuration: a JSON object of texts, by the names that it gives them. */
export function policyFiles(text: string): { readonly [name: string]: string } {
  if (text === '') return {};
  const files = jsonIn(text);
  if (!isJsonObject(files) || !Object.values(files).every((one) => typeof one === 'string'))
    throw new SignalboxError('REQUEST_MALFORMED', 'expected `policies` to be an object of texts');
  return files as { readonly [name: string]: string };
}

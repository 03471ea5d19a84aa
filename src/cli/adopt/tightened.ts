import type { EffectClass } from '../../domain/effect.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Labels } from '../../tools/classify/classify.ts';
import { listedSchema } from '../../tools/narrow/listed.ts';

/** What a take-over adds to a tool beside its class. It only ever takes away: nothing here is an acceptance. */
export interface Tightened {
  /** Arguments that need a proof. */
  readonly authority: readonly string[];
  /** Safety catches that agents cannot take off. */
  readonly hide: readonly string[];
}

/** As `authority` of a tool can name a place. */
const PLACE = /^[^.[\]/\s]{1,100}(?:\[\]|\.[^.[\]/\s]{1,100}){0,8}$/;
const MOST = 64;
/** Who gets something. */
const RECIPIENT =
  /(?:^|[^a-z])(?:to|cc|bcc|recipients?|emails?|attendees?|invitees?|participants?|phone|iban|bic|swift|beneficiary|payee)$/;
/** What somebody would be sent, and how it is said that there is somebody. */
const HANDED =
  /amount|subject|body|message|text|content|value|^b?cc|currency|attach|price|total|sum|quantity|funds|money|mail|note|memo|tokens?$/i;
const PERSON =
  /mail|recipient|address|account|phone|person|\buser|wallet|iban|contact|customer|payee|send/i;
/** `force`, `skip_confirmation`, `noVerify`, `bypassChecks`. */
const CATCH =
  /^(?:force|forced|(?:skip|no|bypass|ignore|disable|without)(?:confirm|confirmation|checks?|verify|verification|validation|safety|protection|approval|warnings?))$/;

/**
 * Of a write everything that decides where it lands or how much of it. Of what destroys, which a value of a stranger lets
 * nobody do, not even after a look, only who gets something, amounts and secrets: what is destroyed is often named by a list
 * that was read before.
 */
export function tightened(
  { authority }: Labels,
  effect: EffectClass,
  inputSchema: JsonObject,
): Tightened {
  if (effect === 'read') return { authority: [], hide: [] };
  const named = authority.filter(
    ({ argument, kind }) =>
      PLACE.test(argument) &&
      isIn(inputSchema, argument) &&
      (effect === 'write' ||
        kind === 'amount' ||
        kind === 'secret' ||
        (isRecipient(argument) && !isAnEnd(inputSchema, argument))),
  );
  return {
    authority: named.slice(0, MOST).map(({ argument }) => argument),
    hide: catchesIn(inputSchema),
  };
}

/** A name that has a dot in it is not the place that it looks like. */
function isIn(schema: JsonObject, argument: string): boolean {
  return isJsonObject(schemaAt(schema, argument));
}

function schemaAt(schema: JsonObject, argument: string): Json | undefined {
  let at: Json | undefined = schema;
  for (const part of argument.split(/\.|(?=\[\])/)) {
    if (!isJsonObject(at)) return false;
    const { items, properties }: JsonObject = at;
    if (part === '[]') at = items;
    else at = isJsonObject(properties) && Object.hasOwn(properties, part) ? properties[part] : null;
  }
  return at;
}

/** `from` and `to` of an edge or of a move: `from` stands beside it, and nothing that somebody would get. */
function isAnEnd(schema: JsonObject, argument: string): boolean {
  const at = argument.lastIndexOf('.');
  if (argument.slice(at + 1) !== 'to') return false;
  const around = at === -1 ? schema : schemaAt(schema, argument.slice(0, at));
  if (!isJsonObject(around) || !isJsonObject(around.properties)) return false;
  const { from, to, ...others } = around.properties;
  if (!isJsonObject(from) || !isJsonObject(to) || PERSON.test(JSON.stringify([from, to])))
    return false;
  return !Object.keys(others).some((name) => HANDED.test(name));
}

function isRecipient(argument: string): boolean {
  const name = argument.replace(/\[\]/g, '').split('.').at(-1) ?? '';
  return RECIPIENT.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase());
}

/** Optional switches only, and none that its server might read by another name. */
function catchesIn(inputSchema: JsonObject): string[] {
  const { properties, required } = inputSchema;
  if (!isJsonObject(properties)) return [];
  const needed = new Set(Array.isArray(required) ? required.map(String) : []);
  const found = Object.entries(properties).flatMap(([name, schema]) =>
    CATCH.test(name.toLowerCase().replaceAll(/[^a-z]/g, '')) &&
    isJsonObject(schema) &&
    schema.type === 'boolean' &&
    !needed.has(name)
      ? [name]
      : [],
  );
  return fits(found, inputSchema) ? found : [];
}

function fits(hide: readonly string[], inputSchema: JsonObject): boolean {
  try {
    listedSchema({
      ...{ fix: {}, hide, narrow: {}, key: null, project: null, maxItems: null },
      upstream: { description: '', inputSchema },
    });
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

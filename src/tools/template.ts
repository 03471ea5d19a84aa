import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/**
 * Request templates: `{name}` stands for an argument, `{{` and `}}` for braces. An argument can fill a value and never
 * changes the structure around it: it adds no path segment, no query pair, no JSON member, no host.
 */
export type Part = string | { readonly name: string };
export type Template = readonly Part[];

/** Throws a SyntaxError in plain words. */
export function parseTemplate(text: string): Template {
  const parts: Part[] = [];
  let literal = '';
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + 66);
    const place = /^\{([a-zA-Z][a-zA-Z0-9_]{0,62})\}/.exec(rest);
    if (rest.startsWith('{{') || rest.startsWith('}}')) {
      literal += rest[0];
      at += 2;
    } else if (place?.[1] !== undefined) {
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push({ name: place[1] });
      at += place[0].length;
    } else if (rest.startsWith('{') || rest.startsWith('}')) {
      throw new SyntaxError('expected `{name}`, or `{{` and `}}` for braces themselves');
    } else {
      literal += rest[0];
      at++;
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

export function namesOf(template: Template): string[] {
  return template.flatMap((part) => (typeof part === 'string' ? [] : [part.name]));
}

/** The one argument that a text consists of, or null: such a text becomes the argument itself, of its own type. */
export function soleName(template: Template): string | null {
  const [only] = template;
  return template.length === 1 && typeof only === 'object' ? only.name : null;
}

/** A JSON value with every text parsed once. */
export type JsonTemplate =
  | { readonly kind: 'fixed'; readonly value: Json }
  | { readonly kind: 'text'; readonly template: Template }
  | { readonly kind: 'list'; readonly of: readonly JsonTemplate[] }
  | { readonly kind: 'object'; readonly of: readonly (readonly [string, JsonTemplate])[] };

export function parseJsonTemplate(value: Json): JsonTemplate {
  if (typeof value === 'string') {
    const template = parseTemplate(value);
    return namesOf(template).length === 0
      ? { kind: 'fixed', value: template.join('') }
      : { kind: 'text', template };
  }
  if (Array.isArray(value)) return { kind: 'list', of: value.map(parseJsonTemplate) };
  if (isJsonObject(value))
    return {
      kind: 'object',
      of: Object.entries(value).map(([key, inner]) => [key, parseJsonTemplate(inner)]),
    };
  return { kind: 'fixed', value };
}

export function namesOfJson(template: JsonTemplate): string[] {
  if (template.kind === 'text') return namesOf(template.template);
  if (template.kind === 'list') return template.of.flatMap(namesOfJson);
  if (template.kind === 'object') return template.of.flatMap(([, inner]) => namesOfJson(inner));
  return [];
}

/** The arguments that stand inside a longer text, where only a single value can. */
export function namesInsideText(template: JsonTemplate): string[] {
  if (template.kind === 'text')
    return soleName(template.template) === null ? namesOf(template.template) : [];
  if (template.kind === 'list') return template.of.flatMap(namesInsideText);
  if (template.kind === 'object') return template.of.flatMap(([, inner]) => namesInsideText(inner));
  return [];
}

/** The text, or undefined when an argument in it was left out. Lists and objects have no place in a text. */
export function fillText(template: Template, input: JsonObject): string | undefined {
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') text += part;
    else {
      const value = argument(input, part.name);
      if (value === undefined || value === null) return undefined;
      if (typeof value === 'object')
        throw new TypeError(`\`${part.name}\` is no single value and cannot stand inside a text`);
      text += String(value);
    }
  }
  return text;
}

/** The JSON value; members and elements whose argument was left out are left out too. */
export function fillJson(template: JsonTemplate, input: JsonObject): Json | undefined {
  switch (template.kind) {
    case 'fixed':
      return template.value;
    case 'text': {
      const sole = soleName(template.template);
      return sole === null ? fillText(template.template, input) : argument(input, sole);
    }
    case 'list':
      return template.of.flatMap((inner) => {
        const value = fillJson(inner, input);
        return value === undefined ? [] : [value];
      });
    case 'object':
      return Object.fromEntries(
        template.of.flatMap(([key, inner]) => {
          const value = fillJson(inner, input);
          return value === undefined ? [] : [[key, value]];
        }),
      );
  }
}

export function argument(input: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(input, name) ? input[name] : undefined;
}

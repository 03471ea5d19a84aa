import type { JsonObject } from '../domain/json.ts';
import { fillText, namesOf, parseTemplate, type Template } from './template.ts';

/** Characters that stand for themselves in a path segment (RFC 3986 `pchar`), and valid escapes. */
const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$/;
const DOTS = /^(?:\.|%2e){1,2}$/i;
/** A slash or dot that a server may find when it decodes once more. */
const SLASHES = /[/\\]/;
const UNPRINTABLE = /[^\x20-\x7e\u00a0-\u{10ffff}]/u;
const MAX_ARGUMENT = 1_024;

/** A path whose segments are fixed in number: an argument fills a segment or a part of one. */
export type PathTemplate = readonly Template[];

/** Throws a SyntaxError in plain words for a path that could be read in two ways. */
export function parsePath(path: string): PathTemplate {
  if (!path.startsWith('/')) throw new SyntaxError('expected a path that begins with `/`');
  const segments = path.slice(1).split('/').map(parseTemplate);
  segments.forEach((segment, i) => {
    const literal = segment.map((part) => (typeof part === 'string' ? part : 'x')).join('');
    if (literal === '' && i < segments.length - 1) throw new SyntaxError('a segment is empty');
    if (DOTS.test(literal)) throw new SyntaxError('a segment is `.` or `..`');
    if (!SEGMENT.test(literal))
      throw new SyntaxError(
        "expected letters, digits and `-._~!$&'()*+,;=:@` or `%XX`; a query goes under `query`",
      );
  });
  return segments;
}

export function namesOfPath(path: PathTemplate): string[] {
  return path.flatMap(namesOf);
}

/**
 * The path with the arguments in it. Throws a TypeError, without quoting the value, for an argument that is empty,
 * is a dot segment, holds a slash (unless `slashes`) or is unprintable: what a server does with those nobody knows.
 */
export function fillPath(path: PathTemplate, input: JsonObject, slashes: boolean): string {
  let filled = '';
  for (const segment of path) filled += `/${fillSegment(segment, input, slashes)}`;
  return filled;
}

function fillSegment(segment: Template, input: JsonObject, slashes: boolean): string {
  if (segment.length === 0) return '';
  let plain = '';
  let encoded = '';
  for (const part of segment) {
    if (typeof part === 'string') {
      plain += part;
      encoded += part;
      continue;
    }
    const value = fillText([part], input);
    if (value === undefined || value === '')
      throw new TypeError(`\`${part.name}\` is empty and stands in the path`);
    if (value.length > MAX_ARGUMENT)
      throw new TypeError(
        `\`${part.name}\` is longer than ${MAX_ARGUMENT} characters and stands in the path`,
      );
    if (UNPRINTABLE.test(value) || !value.isWellFormed())
      throw new TypeError(`\`${part.name}\` holds unprintable characters and stands in the path`);
    if (SLASHES.test(value) && !slashes)
      throw new TypeError(`\`${part.name}\` holds a slash and stands in the path`);
    if (holdsEscape(value))
      throw new TypeError(`\`${part.name}\` holds an escaped slash or dot and stands in the path`);
    if (slashes && value.split(SLASHES).some((piece) => piece === '' || DOTS.test(piece)))
      throw new TypeError(`\`${part.name}\` holds \`.\`, \`..\` or nothing between slashes`);
    plain += value;
    encoded += encodePart(value);
  }
  if (DOTS.test(plain)) throw new TypeError('the arguments make a path segment `.` or `..`');
  return encoded;
}

/** `%2f` typed by the agent becomes `%252f`; a server that decodes twice would see a slash. */
function holdsEscape(value: string): boolean {
  return /%(?:25)*(?:2e|2f|5c|00)/i.test(value);
}

/** For path segments and query values: like encodeURIComponent, and also what some servers give a meaning to. */
export function encodePart(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

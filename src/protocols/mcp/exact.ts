import type { Json } from '../../domain/json.ts';

/** The objects and lists that hold a number which is not the one that was written, with the name it has there. */
export type Inexact = ReadonlyMap<object, string>;

const NONE: Inexact = new Map();
/** Fifteen digits always survive; an exponent of three may leave the range. */
export const MAY_BE_INEXACT = /[\d.]{16}|[eE][+-]?\d{3}/;

/** JSON.parse that also says which numbers JavaScript could not hold. Throws SyntaxError. */
export function parseExactly(text: string): { value: Json; inexact: Inexact } {
  if (!MAY_BE_INEXACT.test(text)) return { value: JSON.parse(text) as Json, inexact: NONE };
  // in this order, so that the depth of a hostile text costs no stack before it was looked at
  const value = JSON.parse(text) as Json;
  const inexact = new Map<object, string>();
  const read = function (
    this: object,
    name: string,
    member: Json,
    context?: { readonly source?: string },
  ): Json {
    if (typeof member === 'number' && !isExact(member, context?.source ?? ''))
      inexact.set(this, name);
    return member;
  };
  try {
    return { value: JSON.parse(text, read) as Json, inexact };
  } catch (error) {
    // nested too deep for a reviver; refused for that by who checks the depth
    if (error instanceof RangeError) return { value, inexact: NONE };
    throw error;
  }
}

/** The shortest spelling and the one of 17 digits are how programs write a number that they hold themselves. */
function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  const written = decimalOf(source);
  return written === decimalOf(String(value)) || written === decimalOf(value.toPrecision(17));
}

/** The same text for every spelling of one decimal number, its sign left out. */
function decimalOf(spelling: string): string {
  const [number = '', exponent = '0'] = spelling.toLowerCase().replace(/^-/, '').split('e');
  const [whole = '', fraction = ''] = number.split('.');
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const shift = digits.length - significant.length - fraction.length;
  return `${significant}e${Number(exponent) + shift}`;
}

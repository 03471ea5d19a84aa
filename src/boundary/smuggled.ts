import type { Json } from '../domain/json.ts';
import { eachText } from './each-text.ts';
import { codePointName } from './text.ts';

/*
 * What a result may carry past a human who looks at it, and a model reads all the same: tag characters, directions that are
 * overridden, control characters (those of terminals among them), runs of characters without width or of selectors.
 * What languages need is none of that: joiners between letters, marks of direction, single selectors, flags. A result is
 * data, so nothing is taken out: it is written out, and said.
 */

const TAGS = '\u{e0000}-\u{e00ff}';
const CONTROLS = '\\x00-\\x08\\x0b\\x0e-\\x1f\\x7f-\\x9f';
const DIRECTIONS = '\\u202a-\\u202e\\u2066-\\u2069';
const WIDTHLESS =
  '\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200d\\u2060-\\u2065\\u206a-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}';
const SELECTORS = '\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}';
/** England, Scotland and Wales: the only flags that are written with tags. */
const FLAG =
  '\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}';
const SMUGGLED = new RegExp(
  `${FLAG}|[${TAGS}${CONTROLS}${DIRECTIONS}]+|[${WIDTHLESS}]{3,}|[${SELECTORS}]{2,}`,
  'gu',
);
/** One look at a serialised text for every character that may belong to it; almost no text has one. */
const UNUSUAL = new RegExp(`[\\x80-\\x9f${DIRECTIONS}${WIDTHLESS}${SELECTORS}${TAGS}]`, 'u');
const RAW_CONTROL = new RegExp(`[${CONTROLS}]`);
/** So many of a run are written out; how many more there are is said. */
const MOST_SHOWN = 8;

/** False: a value surely holds no such character, by its text as JSON.stringify gives it, which escapes some controls. */
export function isSuspect(serialised: string): boolean {
  return serialised.includes('\\u00') || serialised.includes('\\b') || isUnusual(serialised);
}

/** The same for a text as it came; `isJson`: one that was read as JSON, which holds no control character but escaped. */
export function maySmuggle(text: string, isJson: boolean): boolean {
  if (text.includes('\\u') || text.includes('\\b') || isUnusual(text)) return true;
  return !isJson && RAW_CONTROL.test(text);
}

function isUnusual(text: string): boolean {
  // bytes are counted faster than characters are looked at, and most texts are ASCII
  return text.includes('\x7f') || (Buffer.byteLength(text) !== text.length && UNUSUAL.test(text));
}

/** A text with such characters written out (`⟦U+202E⟧`); `found` is told how many there were. */
export function withSmuggledShown(text: string, found: (count: number) => void = () => {}): string {
  return text.replace(SMUGGLED, (run) => {
    if (run.startsWith('\u{1f3f4}')) return run;
    const each = [...run];
    found(each.length);
    const shown = each.slice(0, MOST_SHOWN).map((one) => codePointName(one.codePointAt(0) ?? 0));
    const more = each.length - shown.length;
    return `⟦${shown.join(' ')}${more === 0 ? '' : ` and ${more} more`}⟧`;
  });
}

/** What is said with a result in which some were. */
export function toldHidden(hidden: number): string {
  return `${hidden} hidden characters are written out (⟦U+…⟧)`;
}

/** The same for every text and name of a value. `hidden`: how many there were. Throws TooDeep. */
export function allShown(value: Json, maxDepth: number): { json: Json; hidden: number } {
  let hidden = 0;
  const count = (more: number): void => {
    hidden += more;
  };
  return { json: eachText(value, (text) => withSmuggledShown(text, count), maxDepth), hidden };
}

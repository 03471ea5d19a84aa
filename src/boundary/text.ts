/** A character that a reader does not see, or that changes what a reader sees. `index` counts UTF-16 units. */
export interface HiddenCharacter {
  readonly index: number;
  readonly codePoint: number;
  readonly name: 'control' | 'direction' | 'invisible' | 'tag' | 'selector' | 'broken';
}

const LINE_BREAKS_AND_TAB = new Set([0x09, 0x0a, 0x0d]);

/** First and last code point of each range, in ascending order. */
const RANGES: readonly (readonly [number, number, HiddenCharacter['name']])[] = [
  [0x00, 0x1f, 'control'],
  [0x7f, 0x9f, 'control'],
  [0xad, 0xad, 'invisible'],
  [0x034f, 0x034f, 'invisible'],
  [0x061c, 0x061c, 'direction'],
  [0x115f, 0x1160, 'invisible'],
  [0x17b4, 0x17b5, 'invisible'],
  [0x180b, 0x180f, 'invisible'],
  [0x200b, 0x200d, 'invisible'],
  [0x200e, 0x200f, 'direction'],
  [0x2028, 0x2029, 'control'],
  [0x202a, 0x202e, 'direction'],
  [0x2060, 0x2064, 'invisible'],
  [0x2065, 0x2065, 'invisible'],
  [0x2066, 0x2069, 'direction'],
  [0x206a, 0x206f, 'direction'],
  [0x2800, 0x2800, 'invisible'],
  [0x3164, 0x3164, 'invisible'],
  [0xd800, 0xdfff, 'broken'],
  [0xfe00, 0xfe0f, 'selector'],
  [0xfeff, 0xfeff, 'invisible'],
  [0xffa0, 0xffa0, 'invisible'],
  [0xfff0, 0xfffb, 'invisible'],
  [0xfffe, 0xffff, 'broken'],
  [0x1bca0, 0x1bca3, 'invisible'],
  [0x1d173, 0x1d17a, 'invisible'],
  [0xe0000, 0xe007f, 'tag'],
  [0xe0080, 0xe00ff, 'invisible'],
  [0xe0100, 0xe01ef, 'selector'],
];

/** Almost every text is plain: one pass says so before anything is looked at closely. */
const SUSPICIOUS = /[^\t\n\r\x20-\x7e]/;
const PICTURE = /^\p{Extended_Pictographic}$/u;
const EMOJI_STYLE = 0xfe0f;
const JOINER = 0x200d;

/** Every hidden, direction-changing or control character; line breaks and tabs pass, and so do joined emoji. */
export function hiddenCharacters(text: string): HiddenCharacter[] {
  if (!SUSPICIOUS.test(text)) return [];
  const found: HiddenCharacter[] = [];
  const seen: string[] = [];
  let index = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    const name = nameOf(codePoint);
    if (name !== null && !belongsToEmoji(codePoint, seen)) found.push({ index, codePoint, name });
    seen.push(character);
    index += character.length;
  }
  return found;
}

/** The text with every hidden character written out as `⟦U+202E⟧`, for pages and terminals. */
export function withHiddenShown(text: string): string {
  const hidden = hiddenCharacters(text);
  if (hidden.length === 0) return text;
  let shown = '';
  let from = 0;
  for (const { index, codePoint } of hidden) {
    shown += `${text.slice(from, index)}⟦${codePointName(codePoint)}⟧`;
    from = index + String.fromCodePoint(codePoint).length;
  }
  return shown + text.slice(from);
}

export function codePointName(codePoint: number): string {
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
}

function nameOf(codePoint: number): HiddenCharacter['name'] | null {
  if (LINE_BREAKS_AND_TAB.has(codePoint)) return null;
  for (const [first, last, name] of RANGES)
    if (codePoint <= last) return codePoint >= first ? name : null;
  return null;
}

/** A single style selector or joiner right after a picture is how emoji are written; a run of them carries data. */
function belongsToEmoji(codePoint: number, before: readonly string[]): boolean {
  const previous = before.at(-1) ?? '';
  if (codePoint === EMOJI_STYLE) return PICTURE.test(previous);
  if (codePoint !== JOINER) return false;
  const base = previous.codePointAt(0) === EMOJI_STYLE ? (before.at(-2) ?? '') : previous;
  return PICTURE.test(base);
}

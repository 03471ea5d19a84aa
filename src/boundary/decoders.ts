/*
 * What a text may hide a secret behind, whichever signs of it were escaped: the escapes of JSON and programs, of URLs and of
 * HTML, the line ends in long base64, the empty bytes of UTF-16; and the mixtures of them that are met.
 */

/** What a cap leaves of an escape that it cut. */
export const HALF_ESCAPE = /(?:\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|%[0-9a-f]?|&#?[a-z0-9]{0,6})$/i;

const PERCENT = /%[0-9a-f]{2}/i;
const ENTITY = /&(?:#\d|#x[0-9a-f]|amp;|lt;|gt;|quot;|apos;)/i;
/** A line end, written out or not, in what looks like one long word. */
const WRAP = /(?<=[A-Za-z0-9+/_=-]{40})(?:(?:\\+r)?\\+n|\r?\n)[ \t]*[A-Za-z0-9+/_=-]/;
const WRAPS = /(?<=[A-Za-z0-9+/_=-]{40})\r?\n[ \t]*(?=[A-Za-z0-9+/_=-])/g;
/** Escapes that stand for more than the sign behind the backslash. */
const CODED = /\\(?:u[{0-9a-f]|x[0-9a-f])/i;

/** False: no decoder makes anything of it but what taking its backslashes away does. */
export function isEncoded(text: string): boolean {
  if (text.includes('%') && PERCENT.test(text)) return true;
  if (text.includes('&') && ENTITY.test(text)) return true;
  if (text.includes('\0')) return true;
  const escaped = text.includes('\\');
  if (escaped && CODED.test(text)) return true;
  return (escaped || text.includes('\n')) && WRAP.test(text);
}

/** Whatever the text may be read as; itself among it. */
export function readingsOf(text: string): ReadonlySet<string> {
  const plain = unescaped(text);
  const shown = unentitied(text);
  const url = unpercented(text);
  return new Set([
    ...[text, plain, shown, url],
    ...[unescaped(plain), unentitied(plain), unpercented(plain)],
    ...[unescaped(shown), unentitied(shown), unpercented(url)],
    text.replaceAll('\\', ''),
    ...[text, plain].flatMap((one) => [joined(one), narrow(one)]),
  ]);
}

const SHORT: { readonly [letter: string]: string } = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** What the escapes of JSON and of most languages stand for, wherever they are. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(
    /\\(?:u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|x([0-9a-f]{2})|(["'\\/bfnrt]))/gi,
    (_, unit, point, byte, short) => {
      const code = unit ?? point ?? byte;
      return code === undefined ? (SHORT[short] ?? short) : signOf(Number.parseInt(code, 16));
    },
  );
}

/** Byte by byte in either case; what is no UTF-8 becomes U+FFFD. */
function unpercented(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

const NAMED: { readonly [name: string]: string } = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function unentitied(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));?/gi,
    (_, decimal, hex, name) => {
      if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? '';
      return signOf(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
    },
  );
}

function joined(text: string): string {
  return text.includes('\n') ? text.replaceAll(WRAPS, '') : text;
}

function narrow(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '') : text;
}

function signOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}

const MARK = '[secret withheld]';
/** Shorter values would blank out ordinary words; a credential this short is no secret anyway. */
const MIN_SECRET = 6;

/**
 * Replaces a secret in whatever leaves, in the spellings a target may echo it: as is, base64, hex, and behind the escapes
 * of JSON or percent-encoding, in any mixture. `whole`: nothing cut this text short, so its end is no part of a secret.
 */
export type Redact = (text: string, whole?: boolean) => string;

export function redactorFor(secrets: readonly string[]): Redact {
  const spellings = [
    ...new Set(secrets.filter(({ length }) => length >= MIN_SECRET).flatMap(spell)),
  ];
  spellings.sort((a, b) => b.length - a.length);
  const withheld = (text: string, whole: boolean): string => {
    let clean = text;
    for (const spelling of spellings)
      if (clean.includes(spelling)) clean = clean.replaceAll(spelling, MARK);
    if (!whole) for (const spelling of spellings) clean = withoutPartAtEnd(clean, spelling);
    return clean;
  };
  return (text, whole = false) => {
    let clean = withheld(text, whole);
    if (spellings.length === 0) return clean;
    for (const decode of DECODERS) {
      const plain = decode(whole ? clean : clean.replace(HALF_ESCAPE, ''));
      if (plain === clean) continue;
      const safe = withheld(plain, whole);
      // only what hides a secret is handed on decoded
      if (safe !== plain) clean = safe;
    }
    return clean;
  };
}

/** What a cap leaves of an escape that it cut. */
const HALF_ESCAPE = /(?:\\(?:u[0-9a-f]{0,3})?|%[0-9a-f]?)$/i;

const SHORT: { readonly [letter: string]: string } = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const DECODERS: readonly ((text: string) => string)[] = [
  (text) => unescaped(text),
  (text) => unpercented(text),
  (text) => unpercented(unescaped(text)),
];

/** What the escapes of JSON stand for, wherever they are. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|(["\\/bfnrt]))/gi, (_, unit, short) =>
    unit === undefined ? (SHORT[short] ?? short) : String.fromCharCode(Number.parseInt(unit, 16)),
  );
}

/** Byte by byte in either case; what is no UTF-8 becomes U+FFFD. */
function unpercented(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

function spell(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [
    secret,
    secret.toLowerCase(),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
}

/** A cap may cut in the middle of an echo: what is left of the secret at the end goes too. */
function withoutPartAtEnd(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= MIN_SECRET; length--)
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + MARK;
  return text;
}

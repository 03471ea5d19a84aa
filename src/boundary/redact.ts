const MARK = '[secret withheld]';
/** Shorter values would blank out ordinary words; a credential this short is no secret anyway. */
const MIN_SECRET = 6;

/** Replaces a secret in whatever leaves, in the spellings a target may echo it: as is, base64, percent-encoded, in JSON. */
export type Redact = (text: string) => string;

export function redactorFor(secrets: readonly string[]): Redact {
  const spellings = [
    ...new Set(secrets.filter(({ length }) => length >= MIN_SECRET).flatMap(spell)),
  ];
  spellings.sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const spelling of spellings)
      if (clean.includes(spelling)) clean = clean.replaceAll(spelling, MARK);
    for (const spelling of spellings) clean = withoutPartAtEnd(clean, spelling);
    return clean;
  };
}

function spell(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [
    secret,
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
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

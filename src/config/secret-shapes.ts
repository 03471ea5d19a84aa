/** Shapes of credentials that must never stand in a file that is read, reviewed and committed. */
const SHAPES: readonly (readonly [what: string, shape: RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/g],
  ['a Signalbox token', /\bsbx_(?:run|agt|opr|ses|set)_[0-9A-Za-z]{20,}/g],
  ['a JSON Web Token', /\beyJ[0-9A-Za-z_-]{10,500}\.eyJ[0-9A-Za-z_-]{10,}/g],
  ['a bearer token', /\bbearer\s{1,20}[0-9A-Za-z._~+/-]{16,}/gi],
  ['a password in a URL', /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/@:'"{}]{0,200}:[^\s/@'"{}]{1,200}@/gi],
  ['an access key', /\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b/g],
  ['an access token', /\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{22,})/g],
  ['an access token', /\bglpat-[0-9A-Za-z_-]{20,}/g],
  ['an API key', /\b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)[-_][0-9A-Za-z_-]{16,}/g],
  ['an API key', /\bAIza[0-9A-Za-z_-]{35}/g],
  ['a chat token', /\bxox[abeoprs]-[0-9A-Za-z-]{10,}/g],
  ['a package token', /\b(?:npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_-]{50,})/g],
  ['a service token', /\b(?:hvs\.|dop_v1_|shpat_|SG\.)[0-9A-Za-z._-]{20,}/g],
];

/** Where in the text something has the shape of a credential. Never the text itself. */
export function secretShapes(text: string): { readonly index: number; readonly what: string }[] {
  return SHAPES.flatMap(([what, shape]) =>
    [...text.matchAll(shape)].map(({ index }) => ({ index, what })),
  );
}

const KEY =
  /^(?:.*[-_])?(?:pass|passwd|password|passphrase|pwd|token|apikey|api[-_]?key|secret|access[-_]?key|private[-_]?key|client[-_]?secret|credentials?|authorization|auth|cookie|bearer)$/i;

/** Is this the name of a field that would hold a credential? */
export function namesSecret(key: string): boolean {
  return KEY.test(key.replaceAll(/([a-z])([A-Z])/g, '$1_$2'));
}

/** A name is made of words. This is long, mixes letters and digits, and has nothing to read: the value itself. */
export function looksRandom(name: string): boolean {
  return name
    .split(/[-_.]/)
    .some((part) => part.length >= 20 && /[0-9]/.test(part) && /[a-z]/i.test(part));
}

/** Long, of one piece, letters and digits: no path, address or sentence. */
export function isTokenLike(value: string): boolean {
  return secretShapes(value).length > 0 || (/^[\w+=.~-]{20,}$/.test(value) && looksRandom(value));
}

/** Shorter values would blank out ordinary words; a credential this short is no secret anyway. */
export const MIN_SECRET = 6;
/** Shorter parts of a secret are words more often than not. */
const MIN_PART = 10;
/** Longer ones are not looked for under two encodings: what is looked for would grow beyond use. */
const MOST_NESTED = 256;

/**
 * How one secret may come back, as texts to look for: as is and in one case, in hexadecimal, behind the escapes of URLs,
 * forms, JSON, HTML, SQL and CSV, in base64 wherever it stands in what was encoded (a header, `user:secret`), also of
 * UTF-16 and of what was encoded before; and the parts of it that are secrets of their own.
 */
export function spellings(secret: string): readonly string[] {
  if (secret.length < MIN_SECRET) return [];
  const bytes = Buffer.from(secret, 'utf8');
  const json = JSON.stringify(secret).slice(1, -1);
  const percent = encodeURIComponent(secret);
  const base64 = everywhereIn(bytes);
  const nested = secret.length > MOST_NESTED ? [] : [...base64, json, percent];
  const all = [
    secret,
    secret.toLowerCase(),
    secret.toUpperCase(),
    ...inHex(bytes),
    percent,
    new URLSearchParams({ '': secret }).toString().slice(1),
    json,
    json.replaceAll('\\', ''),
    htmlOf(secret),
    secret.replaceAll("'", "''"),
    secret.replaceAll('"', '""'),
    ...base64,
    ...everywhereIn(Buffer.from(secret, 'utf16le')),
    ...nested.filter((one) => one !== secret).flatMap((one) => everywhereIn(Buffer.from(one))),
    ...partsOf(secret),
  ];
  return [...new Set(all)].filter(({ length }) => length >= MIN_SECRET);
}

/** What of base64 depends on these bytes alone when `before` others, modulo three, stand in front of them. */
function inBase64(bytes: Buffer, before: number): string[] {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor(((before + bytes.length) * 8) / 6);
  const core = text.slice(first, last);
  return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
}

export function everywhereIn(bytes: Buffer): string[] {
  return [...new Set([0, 1, 2].flatMap((before) => inBase64(bytes, before)))];
}

export function inHex(bytes: Buffer): string[] {
  const plain = bytes.toString('hex');
  const pairs = plain.match(/../g) ?? [];
  const lower = [plain, pairs.join(' '), pairs.join(':')];
  return [...lower, ...lower.map((text) => text.toUpperCase())];
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+$|^(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2,3}={1,2}$/;
const PAIR = /^[\x20-\x7e]*:[\x20-\x7e]*$/;

/**
 * Lines (a private key is quoted by the line), the pair that a Basic header holds and its password, the password of an
 * address.
 */
function partsOf(secret: string): string[] {
  const lines = secret.includes('\n') ? secret.split('\n').map((line) => line.trim()) : [];
  const decoded = BASE64.test(secret) ? Buffer.from(secret, 'base64').toString('latin1') : '';
  const pair = PAIR.test(decoded) ? decoded : '';
  const address = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:([^/?#@]+)@/i.exec(secret)?.[1] ?? '';
  return [
    ...lines.filter((line) => !line.startsWith('-----')),
    pair,
    pair.slice(pair.indexOf(':') + 1),
    address,
    unescapedOr(address),
  ].filter(({ length }) => length >= MIN_PART);
}

function unescapedOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const HTML: { readonly [sign: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function htmlOf(secret: string): string {
  return secret.replaceAll(/[&<>"']/g, (sign) => HTML[sign] ?? sign);
}

/** Shorter values would blank out ordinary words; a credential this short is no secret anyway. */
export const MIN_SECRET = 6;

/**
 * How one secret may come back, as texts to look for: as is and lower-cased, in hexadecimal of either case, behind the
 * escapes of URLs, JSON and HTML, and in base64 wherever it stands in what was encoded (a header, `user:secret`).
 */
export function spellings(secret: string): readonly string[] {
  if (secret.length < MIN_SECRET) return [];
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const json = JSON.stringify(secret).slice(1, -1);
  const all = [
    secret,
    secret.toLowerCase(),
    hex,
    hex.toUpperCase(),
    encodeURIComponent(secret),
    json,
    json.replaceAll('\\', ''),
    htmlOf(secret),
    ...[0, 1, 2].flatMap((before) => inBase64(bytes, before)),
  ];
  return [...new Set(all)].filter(({ length }) => length >= MIN_SECRET);
}

/** What of base64 depends on these bytes alone when `before` others, modulo three, stand in front of them. */
export function inBase64(bytes: Buffer, before: number): string[] {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor(((before + bytes.length) * 8) / 6);
  const core = text.slice(first, last);
  return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
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

/** How a secret may be written, worked out here and not by what is tested: a searcher that shares a mistake finds nothing. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before, 0x41), bytes]).toString('base64');
    // characters that depend on what stands around are not the secret's
    return shifted
      .slice(before === 0 ? 0 : before + 1)
      .replace(/=+$/, '')
      .slice(0, -1);
  });
  const units = [...secret].map((sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const dump = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  const entity = (write: (code: number) => string) =>
    secret.replaceAll(/[^A-Za-z0-9]/g, (sign) => write(sign.charCodeAt(0)));
  // of two lines of the base64 of mails the longer one; shorter ones are whole
  const lines = bytes.toString('base64').match(/.{1,76}/g) ?? [];
  const forms = [
    secret,
    secret.toLowerCase(),
    secret.toUpperCase(),
    dump.join(' '),
    dump.join(':').toUpperCase(),
    entity((code) => `&#${code};`),
    entity((code) => `&#x${code.toString(16).toUpperCase()};`),
    encodeURIComponent(secret).replaceAll('%20', '+'),
    Buffer.from(secret, 'utf16le').toString('base64').replace(/=+$/, '').slice(0, -1),
    [...secret].join('\\u0000'),
    ...lines.slice(0, 1),
    // long ones are not promised under two encodings
    ...(secret.length > 256 ? [] : [Buffer.from(bytes.toString('base64')).toString('base64')]).map(
      (text) => text.replace(/=+$/, '').slice(0, -6),
    ),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    encodeURIComponent(secret),
    encodeURIComponent(encodeURIComponent(secret)),
    [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    units.join(''),
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'),
  ];
  return [...new Set(forms)].filter(({ length }) => length >= 8);
}

/** The forms in which a target gives a secret back. */
export const ECHOES: { readonly [form: string]: (secret: string) => string } = {
  plain: (secret) => secret,
  lower: (secret) => secret.toLowerCase(),
  base64: (secret) => Buffer.from(secret).toString('base64'),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  basic: (secret) => `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`,
  within: (secret) => Buffer.from(`{"token":"${secret}"}`).toString('base64'),
  hex: (secret) => Buffer.from(secret).toString('hex'),
  upperHex: (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  url: (secret) => encodeURIComponent(secret),
  urlTwice: (secret) => encodeURIComponent(encodeURIComponent(secret)),
  percent: (secret) =>
    [...Buffer.from(secret)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  json: (secret) => JSON.stringify({ secret }),
  jsonTwice: (secret) => JSON.stringify(JSON.stringify({ secret })),
  upper: (secret) => secret.toUpperCase(),
  dump: (secret) =>
    [...Buffer.from(secret)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  entities: (secret) =>
    secret.replaceAll(
      /[^A-Za-z0-9]/g,
      (sign) => `&#x${sign.charCodeAt(0).toString(16).toUpperCase()};`,
    ),
  decimals: (secret) => secret.replaceAll(/[^A-Za-z0-9]/g, (sign) => `&#${sign.charCodeAt(0)};`),
  form: (secret) => new URLSearchParams({ secret }).toString(),
  mail: (secret) =>
    Buffer.from(secret)
      .toString('base64')
      .replaceAll(/(.{76})/g, '$1\r\n'),
  wide: (secret) => Buffer.from(secret, 'utf16le').toString('base64'),
  utf16: (secret) => [...secret].join('\0'),
  twice: (secret) => Buffer.from(Buffer.from(secret).toString('base64')).toString('base64'),
  html: (secret) => `<b>${secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</b>`,
};

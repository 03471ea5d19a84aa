import { crc32 } from 'node:zlib';
import { sha256 } from '../domain/digest.ts';
import type { Entropy } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { TokenRow } from '../domain/ops.ts';

export type TokenKind = TokenRow['kind'];

/** What secret scanners look for; docs/reference/tokens.md gives the pattern. */
const PREFIXES: { readonly [K in TokenKind]: string } = {
  run: 'sbx_run_',
  agent: 'sbx_agt_',
  operator: 'sbx_opr_',
  session: 'sbx_ses_',
  setup: 'sbx_set_',
};
const KINDS = new Map(
  (Object.keys(PREFIXES) as TokenKind[]).map((kind) => [PREFIXES[kind], kind] as const),
);
const PREFIX_LENGTH = 8;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 > 2^256 and 62^6 > 2^32. */
const SECRET_DIGITS = 43;
const CHECK_DIGITS = 6;
const TOKEN_LENGTH = PREFIX_LENGTH + SECRET_DIGITS + CHECK_DIGITS;
const BODY = /^[0-9A-Za-z]+$/;

/** A new token: kind prefix, 256 random bits, checksum. Shown once; only its hash is kept. */
export function mintToken(kind: TokenKind, entropy: Entropy): string {
  let secret = 0n;
  for (const byte of entropy.bytes(32)) secret = (secret << 8n) | BigInt(byte);
  const body = PREFIXES[kind] + base62(secret, SECRET_DIGITS);
  return body + checkDigits(body);
}

/** The kind of a well-formed token; null for anything else, without asking the store. */
export function kindOfToken(token: string): TokenKind | null {
  if (token.length !== TOKEN_LENGTH) return null;
  const kind = KINDS.get(token.slice(0, PREFIX_LENGTH));
  if (kind === undefined || !BODY.test(token.slice(PREFIX_LENGTH))) return null;
  const body = token.slice(0, -CHECK_DIGITS);
  return token.endsWith(checkDigits(body)) ? kind : null;
}

function checkDigits(body: string): string {
  let text = '';
  for (let digit = 0, rest = crc32(body); digit < CHECK_DIGITS; digit++) {
    text = ALPHABET.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** Under what a token is stored. 256 random bits need no slow hash. */
export function hashOfToken(token: string): string {
  return sha256(token);
}

/** The token of an `Authorization` header. Throws TOKEN_MISSING, or TOKEN_INVALID for another scheme. */
export function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '')
    throw new SignalboxError('TOKEN_MISSING', 'expected a bearer token, got none');
  const space = authorization.indexOf(' ');
  const token = authorization.slice(space + 1).trim();
  if (space === -1 || authorization.slice(0, space).toLowerCase() !== 'bearer' || token === '')
    throw new SignalboxError('TOKEN_INVALID', 'expected `Bearer` and a token', {
      help: 'send `Authorization: Bearer <token>`',
    });
  return token;
}

function base62(value: bigint, digits: number): string {
  let text = '';
  let rest = value;
  for (let digit = 0; digit < digits; digit++) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

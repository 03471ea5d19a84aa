import { isTokenLike, namesSecret, secretShapes } from '../../config/secret-shapes.ts';

/** Names that carry a secret though they do not end in a word for one. */
const ALSO =
  /(?:^|[_-])(?:key|pat|pass|pw|token|secret|credential|dsn|conn(?:ection)?[_-]?string)s?(?:$|[_-])/i;
const LEAST_LENGTH = 6;
const LEAST_BITS = 3.2;

/** Is this value a secret? By its name, its shape, or because it is long and has nothing to read in it. */
export function isSecretValue(name: string, value: string): boolean {
  if (value.trim().length === 0) return false;
  if (secretShapes(value).length > 0 || isTokenLike(value)) return true;
  if (namesSecret(name)) return true;
  if (isPlain(value) || value.length < LEAST_LENGTH) return false;
  return (
    ALSO.test(name) ||
    (/^[\w+=.~/-]{24,}$/.test(value) && bitsOf(value) >= LEAST_BITS && isMixed(value))
  );
}

/** Does this name stand for a secret, whatever it holds? */
export function namesSomeSecret(name: string): boolean {
  return namesSecret(name) || ALSO.test(name);
}

/** Numbers, switches, paths, addresses without a user, words. */
function isPlain(value: string): boolean {
  return (
    /^(?:\d+|true|false|yes|no|on|off)$/i.test(value) ||
    /^(?:[./~]|[a-z]:\\|https?:\/\/[^@]*$)/i.test(value) ||
    /^[a-z]+(?:[-_ ,.][a-z]+)*$/i.test(value)
  );
}

function isMixed(value: string): boolean {
  return /[0-9]/.test(value) && /[a-z]/i.test(value) && !value.includes('/');
}

/** Shannon entropy in bits a character. */
function bitsOf(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / value.length) * Math.log2(count / value.length),
    0,
  );
}

import { MIN_SECRET } from './spellings.ts';

/** What to say of a secret whose text is met elsewhere too, or is not looked for at all; null for any other. */
export function plainWordIn(secret: string): string | null {
  if (secret.length < MIN_SECRET)
    return `it is shorter than ${MIN_SECRET} characters: where a target gives it back it is told on`;
  if (/^(?:[a-z]{1,12}|[A-Z]?[a-z]{1,11}|\d{1,8})\d{0,2}$/.test(secret))
    return 'it may be an ordinary word or number: wherever that occurs in an answer it is withheld';
  return null;
}

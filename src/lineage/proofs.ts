import type { Organisation } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type {
  ArgumentProof,
  AuthorityArgument,
  Proof,
  Span,
  ToolLineage,
} from '../domain/lineage.ts';
import type { Book } from './book.ts';
import {
  addressesIn,
  type Destination,
  destinationsIn,
  isInside,
  isListed,
} from './destinations.ts';
import { effectiveOf } from './effective.ts';
import type { Listed } from './listed.ts';
import { amountIn, folded, LEAST_PROOF, shown, standsIn } from './spelling.ts';
import { isTooMany, valuesAt } from './values.ts';

/** Longer values are cut where they are shown. */
const MAX_SHOWN = 200;

type Found = { readonly proof: Proof; readonly span: Span | null };
const UNKNOWN: Found = { proof: 'unknown', span: null };
const OPERATOR: Found = { proof: 'operator', span: null };

/** Where a proposal's arguments may have come from. */
export interface Ground {
  readonly book: Book;
  readonly organisation: Organisation;
  /** What strangers' tools say of themselves: as untrusted as their results. */
  readonly listed?: Listed;
}

/** One proof for each value of each argument that carries authority. Pure: the same book, the same proofs. */
export function proofsOf(
  { authority }: ToolLineage,
  given: JsonObject,
  ground: Ground,
): ArgumentProof[] {
  const proofs = authority.flatMap((argument) =>
    valuesAt(given, argument.argument).flatMap(({ argument: at, value }) =>
      proofOf(argument, at, value, ground),
    ),
  );
  if (isTooMany(given))
    proofs.push({
      argument: '…',
      kind: 'target',
      value: 'more values than are looked at',
      ...UNKNOWN,
      outside: true,
    });
  return proofs;
}

function proofOf(
  argument: AuthorityArgument,
  at: string,
  value: Json,
  ground: Ground,
): ArgumentProof[] {
  const { kind } = argument;
  const text = typeof value === 'string' ? value : String(value);
  const told = (found: Found, shownAs = text, outside = false): ArgumentProof => ({
    argument: at,
    kind,
    value: shownAs.length > MAX_SHOWN ? `${shownAs.slice(0, MAX_SHOWN - 1)}…` : shownAs,
    ...found,
    outside,
  });
  if (text.trim() === '' || typeof value === 'boolean') return [];
  switch (kind) {
    case 'destination':
      return destinationsIn(text).map((destination) =>
        told(
          destinationProof(destination, argument, ground),
          destination.name,
          !isInside(destination, ground.organisation),
        ),
      );
    case 'amount':
      return [told(amountProof(Number(value), argument, ground))];
    case 'code': {
      const targets = effectiveOf(text);
      if (targets === null) return [told(unproven(folded(text), ground))];
      return targets.map(({ target, words }) =>
        told(argument.allow?.includes(target) === true ? OPERATOR : saidAll(words, ground), target),
      );
    }
    default:
      return [told(exactProof(text, argument, ground))];
  }
}

function destinationProof(
  destination: Destination,
  { allow = [] }: AuthorityArgument,
  ground: Ground,
): Found {
  const { book, organisation } = ground;
  const { name } = destination;
  const said = book.intent === null ? null : saysDestination(book.intent.folded, destination);
  if (said !== null) return { proof: 'principal', span: { of: 'intent', ...said } };
  if (isListed(destination, allow) || isListed(destination, organisation.directory ?? []))
    return { proof: 'operator', span: { of: 'directory', start: 0, end: name.length } };
  if (isInside(destination, organisation)) return OPERATOR;
  return book.leaf(`~${name}`) ?? unproven(name, ground);
}

/** Where the principal names it, whole. */
export function saysDestination(
  intent: string,
  { name, kind }: Destination,
): { start: number; end: number } | null {
  if (kind !== 'url') return standsIn(intent, name);
  for (const { url, start, end } of addressesIn(intent))
    if (destinationsIn(url)[0]?.name === name) return { start, end };
  return null;
}

function amountProof(amount: number, { least, most }: AuthorityArgument, ground: Ground): Found {
  const { book } = ground;
  const said = book.intent === null ? null : amountIn(book.intent.shown, amount);
  if (said !== null) return { proof: 'principal', span: { of: 'intent', ...said } };
  const bounded = least !== undefined || most !== undefined;
  if (bounded && amount >= (least ?? amount) && amount <= (most ?? amount)) return OPERATOR;
  const text = String(amount);
  return (text.length < LEAST_PROOF ? null : book.leaf(`=${text}`)) ?? unproven(text, ground);
}

/** Ids, paths and secrets: by their very letters. */
function exactProof(text: string, { allow = [] }: AuthorityArgument, ground: Ground): Found {
  const { book } = ground;
  const value = shown(text).trim();
  const said = book.intent === null ? null : standsIn(book.intent.shown, value);
  if (said !== null) return { proof: 'principal', span: { of: 'intent', ...said } };
  if (allow.includes(text)) return OPERATOR;
  if (value.length < LEAST_PROOF) return UNKNOWN;
  return book.leaf(`=${value}`) ?? unproven(folded(value), ground);
}

/** Every word that makes a statement or command what it is, and at least one that is no accident. */
function saidAll(words: readonly string[], ground: Ground): Found {
  const intent = ground.book.intent?.folded;
  if (intent === undefined) return UNKNOWN;
  let span: Span | null = null;
  for (const word of words) {
    const small = folded(word);
    const found = small.length < LEAST_PROOF ? null : standsIn(intent, small);
    if (found === null) return unproven(small, ground);
    span = { of: 'intent', ...found };
  }
  return span === null ? UNKNOWN : { proof: 'principal', span };
}

function unproven(text: string, { book, listed }: Ground): Found {
  const span = text.length < LEAST_PROOF ? null : (book.find(text) ?? listed?.find(text) ?? null);
  return span === null ? UNKNOWN : { proof: 'untrusted', span };
}

import type { JsonObject } from '../domain/json.ts';
import type { ArgumentProof, Flow, Span, ToolLineage } from '../domain/lineage.ts';
import {
  addressesIn,
  type Destination,
  destinationsIn,
  isInside,
  isListed,
  isReader,
} from './destinations.ts';
import { GRAM, LETTERS, mayHold, runsIn, sharedRuns } from './grams.ts';
import { type Ground, saysDestination } from './proofs.ts';
import type { Source } from './source.ts';
import { folded, loose, standsIn, wordsIn } from './spelling.ts';
import { type GivenText, textsAt, textsOf } from './values.ts';

/** Characters in a row that are no accident: of labelled sources, and of what any stranger wrote. */
const LABELLED_RUN = 16;
const COPIED_RUN = 32;
/** A whole argument that is found so, when it has at least so many. */
const LABELLED_WHOLE = 16;
const COPIED_WHOLE = 18;
const MAX_FLOWS = 50;
const MAX_TRIES = 500;
const MAX_SHOWN = 60;

/** What stands for something in particular, wherever it is written: addresses, accounts, codes, keys; dates do not. */
const ATOMS =
  /[^\s@<>,;:"'()]+@[\w-]+(?:\.[\w-]+)+|\b[a-z]{2}\d{2}[a-z0-9]{10,30}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?=[a-z0-9_-]*\d)(?=[a-z0-9_-]*[a-z])[a-z0-9_-]{16,}\b|(?<![\d.,-])\d{6,}(?![\d-])/g;

const HAS_WORD = /\p{L}{3}/u;

/** Secrets that show what they are, by their makers' marks. */
const SECRETS =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22,}|\bxox[abeoprs]-[\w-]{10,}|\bsk-(?:ant-|proj-)?[\w-]{20,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/;

/** `isSecret`: the text holds a secret that this process knows. */
export interface Outbound extends Ground {
  readonly isSecret: (text: string) => boolean;
}

/** What the texts of a call carry to those it reaches. Nothing where it reaches nobody but where it works. */
export function flowsOf(
  lineage: ToolLineage,
  given: JsonObject,
  proofs: readonly ArgumentProof[],
  ground: Outbound,
): Flow[] {
  const declared = lineage.authority.filter(({ kind }) => kind === 'destination');
  const reached = proofs
    .filter(({ kind }) => kind === 'destination')
    .flatMap(({ value }) => destinationsIn(value));
  // named and left empty: it goes to nobody; not named at all: nobody knows to whom
  if (reached.length === 0 && (declared.length > 0 || !lineage.outward)) return [];
  const texts = outboundTexts(lineage, given);
  const flows = texts.flatMap((text) => flowsIn(text, reached, lineage, ground));
  const outside = reached.length === 0 || reached.some((to) => !isInside(to, ground.organisation));
  if (!ground.book.isWhole && texts.length > 0 && outside && lineage.outward)
    flows.push({ kind: 'unread', argument: texts[0]?.argument ?? '', value: '', span: null });
  return flows.slice(0, MAX_FLOWS);
}

/** Every text that is no argument with authority of its own. */
function outboundTexts({ authority }: ToolLineage, given: JsonObject): GivenText[] {
  const own = new Set(
    authority.flatMap(({ argument }) => textsAt(given, argument).map((each) => each.argument)),
  );
  return textsOf(given).filter(({ argument, value }) => !own.has(argument) && value.trim() !== '');
}

function flowsIn(
  { argument, value }: GivenText,
  reached: readonly Destination[],
  lineage: ToolLineage,
  ground: Outbound,
): Flow[] {
  const flows: Flow[] = [];
  const flow = (kind: Flow['kind'], piece: string, span: Span | null): void => {
    const shownAs = piece.length > MAX_SHOWN ? `${piece.slice(0, MAX_SHOWN - 1)}…` : piece;
    flows.push({ kind, argument, value: shownAs, span });
  };
  if (SECRETS.test(value) || ground.isSecret(value)) flow('secret', '', null);
  // made a link of by whoever reads it, so to somebody outside it is one more place that is reached
  if (lineage.outward || reached.some((to) => !isInside(to, ground.organisation)))
    for (const { url } of addressesIn(value))
      if (!isNamed(url, ground)) flow('address', url, ground.book.find(folded(url)));
  const said = sayingOf(value, ground);
  for (const source of ground.book.sources) {
    const kind = kindOf(source, reached, lineage, ground);
    if (kind === null) continue;
    const found =
      sharedPiece(said, source, kind === 'labelled') ??
      (kind === 'labelled' ? sharedRow(said, source) : null);
    if (found !== null) flow(kind, found.piece, found.span);
  }
  return flows;
}

/** What a piece of this source would be in this call; null: it may be there. */
function kindOf(
  { readers }: Source,
  reached: readonly Destination[],
  { outward }: ToolLineage,
  { organisation }: Ground,
): 'labelled' | 'copied' | null {
  const isRead = (to: Destination): boolean =>
    readers !== null && isReader(to, readers, organisation);
  if (readers !== null && (reached.length === 0 || !reached.every(isRead))) return 'labelled';
  return outward ? 'copied' : null;
}

/** A text as it is compared, made once for all sources. */
interface Saying {
  readonly atoms: readonly { readonly text: string; readonly letters: Int32Array }[];
  /** Its words alone; empty where it has none that say anything. */
  readonly words: string;
  readonly runs: Int32Array;
  /** The principal's own words. */
  readonly said: string;
}

function sayingOf(value: string, { book }: Ground): Saying {
  const text = folded(value);
  const intent = book.intent?.folded ?? '';
  const atoms = (text.match(ATOMS) ?? [])
    .filter((atom) => !intent.includes(atom))
    .map((atom) => ({ text: atom, letters: runsIn(atom, LETTERS) }));
  const all = loose(text);
  // dates and small numbers are everywhere
  const words = HAS_WORD.test(all) ? all : '';
  return { atoms, words, runs: runsIn(words, GRAM), said: book.intent?.words ?? '' };
}

/** The first piece that is no accident and not the principal's own words. */
function sharedPiece(
  { atoms, words, runs, said }: Saying,
  source: Source,
  labelled: boolean,
): { piece: string; span: Span } | null {
  const { action, tool } = source;
  const spanAt = ({ start, end }: { start: number; end: number }): Span => ({
    ...{ of: action, tool, start, end },
  });
  for (const { text, letters } of atoms) {
    const start = source.find(text, letters);
    if (start >= 0) return { piece: text, span: spanAt({ start, end: start + text.length }) };
  }
  const at = (piece: string): { piece: string; span: Span } | null => {
    if (said.includes(piece) || !source.words.includes(piece)) return null;
    return { piece, span: spanAt(wordsIn(source.text, piece) ?? { start: 0, end: 0 }) };
  };
  const least = labelled ? LABELLED_RUN : COPIED_RUN;
  if (words.length >= (labelled ? LABELLED_WHOLE : COPIED_WHOLE) && mayHold(source.grams, runs)) {
    const found = at(words);
    if (found !== null) return found;
  }
  let tries = 0;
  for (const { start, end } of sharedRuns(runs, source.grams, least))
    for (let from = start; from + least <= end; from++) {
      const piece = words.slice(from, from + least);
      // so much of it is so alike that it is taken for it
      if (++tries > MAX_TRIES) return { piece, span: spanAt({ start: 0, end: 0 }) };
      const found = at(piece);
      if (found !== null) return found;
    }
  return null;
}

/** Cells of one row together. */
function sharedRow(
  { words, said }: Saying,
  { action, tool, rows, text }: Source,
): { piece: string; span: Span } | null {
  const cells = words === '' ? null : (rows?.sharedWith(words.split(' '), said) ?? null);
  if (cells === null) return null;
  const at = wordsIn(text, cells[0] ?? '') ?? { start: 0, end: 0 };
  return { piece: cells.join(', '), span: { of: action, tool, ...at } };
}

/** An address that the principal or the operator named, or that is inside. */
function isNamed(url: string, { book, organisation }: Ground): boolean {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url.replace(/^\/\//, '')}`;
  const [destination] = destinationsIn(whole);
  if (destination === undefined) return true;
  const { domain } = destination;
  if (isInside(destination, organisation)) return true;
  if (isListed(destination, organisation.directory ?? [])) return true;
  const intent = book.intent?.folded;
  if (intent === undefined) return false;
  return (
    saysDestination(intent, destination) !== null ||
    // a host that was named, and nothing on its way there that could carry words
    (domain !== null && !/[?#]/.test(url) && url.length <= 100 && standsIn(intent, domain) !== null)
  );
}

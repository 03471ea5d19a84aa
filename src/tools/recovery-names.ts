import {
  firstOf,
  firstVerb,
  isHolder,
  REMOVING_NOUNS,
  singleWords,
  wordsOf,
} from './recovery-words.ts';

/** Where the thing ends and the rest of a name begins: `delete_volume_by_id`. */
const CUTS = setOf('by and for from in if with of to at on or via using when where');
/** Says nothing of its own at the end of a name: `deleteVolumeForce`, `volume_delete_async`. */
const NEUTRAL = setOf(
  'id name data content instance resource force forced permanently now async sync batch bulk recursive ' +
    'cascade v request command action mutation op operation handler api endpoint tool all everything all the my one ' +
    'completely immediately safely old unused stale',
);
const READING = setOf(
  'get list read describe show find search view check count watch fetch query lookup preview inspect validate test',
);

/**
 * What a name of an operation (of an MCP tool, a GraphQL mutation, an RPC action) says it takes away that people recover
 * with; null for none. `about`: words that stand beside it and say of what it is done (fixed arguments, choices).
 */
export function namedRecovery(name: string, about: readonly string[] = []): string | null {
  const words = wordsOf(name);
  const act = firstOf(words, 'act');
  if (act !== undefined) return act;
  const single = singleWords(name);
  const reads = READING.has(single[0] ?? '');
  const removing = firstVerb(words, 'removing') ?? (reads ? undefined : nounIn(single));
  const all = [...words, ...about];
  const thing = firstOf(all, 'kept');
  const kept = thing ?? firstOf(all, 'record') ?? firstOf(all, 'setting') ?? firstOf(all, 'rule');
  if (removing !== undefined && kept !== undefined) return kept;
  const ending = firstVerb(words, 'ending') ?? (reads ? undefined : nounIn(single));
  const held = ending === undefined ? null : holderRemoved(single, ending);
  if (held !== null) return held;
  if (reads) return null;
  if (firstVerb(words, 'changing') !== undefined) {
    const setting = firstOf(all, 'setting') ?? firstOf(all, 'rule');
    if (setting !== undefined) return setting;
  }
  const rewritten = firstVerb(words, 'rewriting') === undefined ? null : firstOf(all, 'record');
  if (rewritten != null) return rewritten;
  return firstVerb(words, 'removing') === undefined && !MAKES.has(single[0] ?? '')
    ? null
    : (firstOf(words, 'rule') ?? null);
}

const MAKES = setOf('create add make new apply attach');

function nounIn(words: readonly string[]): string | undefined {
  return words.find((word) => REMOVING_NOUNS.has(word));
}

/**
 * A volume, bucket or database where it is what the verb is about: `deleteVolume`, `volume_delete`, and not
 * `deleteVolumeLabel`.
 */
function holderRemoved(words: readonly string[], verb: string): string | null {
  const at = words.indexOf(verb);
  const after = phrase(words.slice(at + 1));
  const before = words.slice(0, at).filter((word) => !NEUTRAL.has(word));
  return headHolder(after) ?? (after.length === 0 ? headHolder(before) : null);
}

function phrase(words: readonly string[]): string[] {
  const end = words.findIndex((word) => CUTS.has(word));
  return (end === -1 ? words : words.slice(0, end)).filter((word) => !NEUTRAL.has(word));
}

/** The last words of a phrase say what it is. */
export function headHolder(words: readonly string[]): string | null {
  for (let length = Math.min(4, words.length); length > 0; length--) {
    const head = words.slice(-length).join('');
    if (isHolder(head)) return head;
  }
  return null;
}

/**
 * What a sentence says is taken away, as descriptions do: a removing verb shortly before a way to recover. `deletes the
 * volume and all its backups`.
 */
export function describedRecovery(text: string): string | null {
  for (const sentence of text.slice(0, 4_000).split(/[.;!?\n]/)) {
    const words = singleWords(sentence);
    const at = words.findIndex(
      (word, i) => firstVerb([word], 'ending') !== undefined && !NEGATION.has(words[i - 1] ?? ''),
    );
    if (at === -1) continue;
    const near = wordsOf(words.slice(at + 1, at + 9).join(' '));
    const found = firstOf(near, 'kept') ?? firstOf(near, 'record') ?? firstOf(near, 'setting');
    if (found !== undefined) return found;
    const held = headHolder(phrase(words.slice(at + 1, at + 5)));
    if (held !== null) return held;
  }
  return null;
}

const NEGATION = setOf('not never cannot without no');

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}

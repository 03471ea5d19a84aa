/** What an argument decides: where something goes, what it is done to, how much, a secret, or what runs. */
export const ARGUMENT_KINDS = ['destination', 'target', 'amount', 'secret', 'code'] as const;
export type ArgumentKind = (typeof ARGUMENT_KINDS)[number];

/** An argument that carries authority, as the operator declares it. */
export interface AuthorityArgument {
  /** `path`, `message.to`, `edits[].file`. */
  readonly argument: string;
  readonly kind: ArgumentKind;
  /** Values that the operator allows, by exact spelling. */
  readonly allow?: readonly string[];
  /** Amounts that the operator allows, both ends included. */
  readonly least?: number;
  readonly most?: number;
}

/** What the operator says of what a tool returns. Without a word everything is untrusted and public. */
export interface SourceRule {
  /** Only of calls whose argument begins so; a rule without it is of every call. The first that fits counts. */
  readonly when?: { readonly argument: string; readonly prefix: string };
  /** Places in the result whose whole value no stranger can choose: `[].email`, `owner.id`. */
  readonly trusted: readonly string[];
  readonly labels: readonly SourceLabel[];
  /** Who may be sent it: domains and addresses, `organisation` for all that is inside; null: everybody. */
  readonly readers: readonly string[] | null;
  /** How its text is to be read; `json` where that fits, otherwise it has no places. */
  readonly text: 'json' | 'yaml';
}

export const SOURCE_LABELS = ['private', 'pii'] as const;
export type SourceLabel = (typeof SOURCE_LABELS)[number];
/** What a run tree has seen. */
export type SeenLabel = SourceLabel | 'untrusted';

/** Of one tool: which of its arguments need a proof, and what its results are. */
export interface ToolLineage {
  readonly authority: readonly AuthorityArgument[];
  /** It reaches people or systems other than where it works: a message, a payment, a share. */
  readonly outward: boolean;
  readonly source: readonly SourceRule[];
  /** A memory of its connection that it writes into or reads: what comes back carries what its writers had seen. */
  readonly memory?: string;
}

/** Where something was found: in the intent of the run, or in what an action returned. Offsets in characters. */
export interface Span {
  /** `intent`, `directory`, `tools` for what a stranger's tool says of itself, or the id of an action. */
  readonly of: string;
  /** Its tool, where it is an action. */
  readonly tool?: string;
  /** The leaf it stands in, where the result has leaves. */
  readonly leaf?: string;
  readonly start: number;
  readonly end: number;
}

/**
 * `principal`: the intent of the run says it. `operator`: the configuration allows it. `leaf`: it is the whole of a
 * leaf that is trusted. `untrusted`: it was found in nothing but what strangers can write. `unknown`: found nowhere.
 */
export type Proof = 'principal' | 'operator' | 'leaf' | 'untrusted' | 'unknown';

/** One value of an argument that carries authority, and what is known of where it came from. */
export interface ArgumentProof {
  /** `recipients[0]`. */
  readonly argument: string;
  readonly kind: ArgumentKind;
  /** As given, cut; what it comes down to where the value is a statement, command or address. */
  readonly value: string;
  readonly proof: Proof;
  readonly span: Span | null;
  /** Of a destination: outside the organisation. */
  readonly outside: boolean;
}

/**
 * What outbound text carries that its recipients should not get. `copied`: a stranger's words. `labelled`: what came
 * from a source whose readers the recipients are not. `address`: a place nobody proven named. `secret`: a secret.
 * `unread`: so much was read that not all of it could be looked through.
 */
export type FlowKind = 'copied' | 'labelled' | 'address' | 'secret' | 'unread';

export interface Flow {
  readonly kind: FlowKind;
  readonly argument: string;
  /** A short piece of it; empty for secrets. */
  readonly value: string;
  readonly span: Span | null;
}

/** Facts about one proposal of a tool with lineage. */
export interface LineageFacts {
  readonly proofs: readonly ArgumentProof[];
  readonly flows: readonly Flow[];
  /** What the run tree has seen so far. */
  readonly seen: readonly SeenLabel[];
}

/** What is recorded of an action. Records of the time before `seen` have none: of those nobody knows what was read. */
export type LineageRecord = Pick<LineageFacts, 'proofs' | 'flows'> & Partial<LineageFacts>;

/** `arg to[0] = x, proof: intent [118..141]`, `arg to[0] = x, untrusted: act_… read_file leaf body [20..42]`. */
export function proofLine({ argument, value, proof, span }: ArgumentProof): string {
  const from = span === null ? '' : ` ${spanWords(span)}`;
  switch (proof) {
    case 'principal':
      return `arg ${argument} = ${value}, proof:${from}`;
    case 'operator':
      return `arg ${argument} = ${value}, proof: the operator's configuration`;
    case 'leaf':
      return `arg ${argument} = ${value}, proof: trusted${from}`;
    case 'untrusted':
      return `arg ${argument} = ${value}, untrusted:${from}`;
    case 'unknown':
      return `arg ${argument} = ${value}, unknown: in nothing that was read here`;
  }
}

/** `text body holds x of act_… read_file [20..42] (copied)`. */
export function flowLine({ kind, argument, value, span }: Flow): string {
  const what = kind === 'secret' ? 'a secret' : value;
  return `text ${argument} holds ${what}${span === null ? '' : ` of ${spanWords(span)}`} (${kind})`;
}

function spanWords({ of, tool, leaf, start, end }: Span): string {
  const where = [of, tool, leaf === undefined ? undefined : `leaf ${leaf}`].filter(
    (part) => part !== undefined,
  );
  return `${where.join(' ')} [${start}..${end}]`;
}

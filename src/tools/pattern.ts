/**
 * Regular expressions from configuration, matched in time linear in the text: an agent chooses the text, and a
 * backtracking matcher can be made to run for minutes by it. Understands ECMAScript patterns (flag `u`) without
 * lookaround, back references and word boundaries, which no linear matcher can offer.
 */
export interface Pattern {
  /** True when the pattern matches anywhere in `text`, as `RegExp.prototype.test` would say. */
  test(text: string): boolean;
}

const MAX_LENGTH = 500;
const MAX_STATES = 2_000;
/** Repeating nothing makes no states and still costs time. */
const MAX_WORK = 10_000;
/** Longer texts do not match: no identifier, address or code that a pattern describes is this long. */
export const MAX_MATCHED_LENGTH = 8_192;

type State =
  | { readonly kind: 'one'; readonly accepts: (codePoint: number) => boolean; next: number }
  | { readonly kind: 'fork'; first: number; second: number }
  | { readonly kind: 'start' | 'end'; next: number }
  | { readonly kind: 'match' };

type Node =
  | { readonly kind: 'one'; readonly accepts: (codePoint: number) => boolean }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly least: number; readonly most: number };

/** Throws a SyntaxError in plain words for what is malformed, unsupported or too large. */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_LENGTH)
    throw new SyntaxError(`the pattern has ${source.length} characters, at most ${MAX_LENGTH}`);
  new RegExp(source, 'u');
  const states = build(new Reader(source).all());
  return { test: (text) => text.length <= MAX_MATCHED_LENGTH && run(states, text) };
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  all(): Node {
    return this.#choice();
  }

  #choice(): Node {
    const of = [this.#sequence()];
    while (this.#take('|')) of.push(this.#sequence());
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'choice', of };
  }

  #sequence(): Node {
    const of: Node[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? ''))
      of.push(this.#quantified());
    return { kind: 'sequence', of };
  }

  #quantified(): Node {
    const of = this.#atom();
    const counts = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#source.slice(this.#at));
    if (counts === null) return of;
    this.#at += counts[0].length;
    const [, sign, least = '0', comma, most] = counts;
    if (sign === '*') return { kind: 'repeat', of, least: 0, most: Infinity };
    if (sign === '+') return { kind: 'repeat', of, least: 1, most: Infinity };
    if (sign === '?') return { kind: 'repeat', of, least: 0, most: 1 };
    const end = comma === undefined ? Number(least) : most ? Number(most) : Infinity;
    return { kind: 'repeat', of, least: Number(least), most: end };
  }

  #atom(): Node {
    if (this.#take('^')) return { kind: 'start' };
    if (this.#take('$')) return { kind: 'end' };
    if (this.#take('(')) {
      const named = /^\?<[\p{ID_Start}$_][\p{ID_Continue}$]*>/u.exec(this.#source.slice(this.#at));
      if (named !== null) this.#at += named[0].length;
      else if (!this.#take('?:') && this.#source[this.#at] === '?')
        throw new SyntaxError('the pattern looks ahead, behind or changes flags inside');
      const inner = this.#choice();
      this.#take(')');
      return inner;
    }
    return { kind: 'one', accepts: acceptorOf(this.#single()) };
  }

  /** The source of what matches exactly one code point: a class, an escape, a dot or a literal. */
  #single(): string {
    const rest = this.#source.slice(this.#at);
    const single =
      /^\[(?:\\.|[^\]\\])*\]/su.exec(rest) ??
      /^\\(?:u\{[0-9a-f]+\}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|p\{[^}]*\}|.)/isu.exec(rest) ??
      /^./su.exec(rest);
    const text = single?.[0] ?? '';
    if (/^\\[bBk1-9]/.test(text))
      throw new SyntaxError('the pattern uses a word boundary or refers back to a group');
    this.#at += text.length;
    return text;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}

const ASCII = 128;

function acceptorOf(single: string): (codePoint: number) => boolean {
  const whole = new RegExp(`^${single}$`, 'u');
  const ascii = Array.from({ length: ASCII }, (_, code) => whole.test(String.fromCodePoint(code)));
  return (codePoint) =>
    codePoint < ASCII ? ascii[codePoint] === true : whole.test(String.fromCodePoint(codePoint));
}

/** Built from the end: every piece knows the state that follows it. The last state is where matching starts. */
function build(root: Node): State[] {
  const states: State[] = [];
  let work = 0;
  const add = (state: State): number => states.push(state) - 1;
  const link = (node: Node, next: number): number => {
    work++;
    if (states.length >= MAX_STATES || work > MAX_WORK)
      throw new SyntaxError('the pattern repeats too much: smaller counts are needed');
    switch (node.kind) {
      case 'one':
        return add({ kind: 'one', accepts: node.accepts, next });
      case 'start':
      case 'end':
        return add({ kind: node.kind, next });
      case 'sequence':
        return node.of.reduceRight((after, part) => link(part, after), next);
      case 'choice':
        return node.of
          .map((part) => link(part, next))
          .reduceRight((second, first) => add({ kind: 'fork', first, second }));
      case 'repeat':
        return repeat(node, next);
    }
  };
  const repeat = (node: Node & { kind: 'repeat' }, next: number): number => {
    let from = next;
    if (node.most === Infinity) {
      const loop: State = { kind: 'fork', first: next, second: next };
      from = add(loop);
      loop.first = link(node.of, from);
    } else
      for (let optional = node.least; optional < node.most; optional++)
        from = add({ kind: 'fork', first: link(node.of, from), second: next });
    for (let needed = 0; needed < node.least; needed++) from = link(node.of, from);
    return from;
  };
  const start = link(root, add({ kind: 'match' }));
  add({ kind: 'fork', first: start, second: start });
  return states;
}

function run(states: readonly State[], text: string): boolean {
  const start = states.length - 1;
  const marks = new Uint32Array(states.length);
  let current: number[] = [];
  let round = 1;
  const enter = (entry: number, into: number[], at: number): boolean => {
    const open = [entry];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (marks[id] === round) continue;
      marks[id] = round;
      const state = states[id];
      if (state?.kind === 'match') return true;
      if (state?.kind === 'one') into.push(id);
      else if (state?.kind === 'fork') open.push(state.second, state.first);
      else if (state !== undefined && (state.kind === 'start' ? at === 0 : at === text.length))
        open.push(state.next);
    }
    return false;
  };
  for (let at = 0; ; ) {
    if (enter(start, current, at)) return true;
    if (at >= text.length) return false;
    const codePoint = text.codePointAt(at) ?? 0;
    at += codePoint > 0xffff ? 2 : 1;
    round++;
    const following: number[] = [];
    for (const id of current) {
      const state = states[id];
      if (state?.kind === 'one' && state.accepts(codePoint) && enter(state.next, following, at))
        return true;
    }
    current = following;
  }
}

import { isJsonObject, type Json } from '../domain/json.ts';
import { type SelectionToken, selectionTokens } from './selection-tokens.ts';

/**
 * What is handed on of a JSON answer, in a small part of JMESPath: names and `"names"`, `.`, `[0]`, `[-1]`, `[1:3]`,
 * `[*]`, `.*`, `[]` (flattens), `[?a == 'b' && c > \`1\`]`, `{new: old}`, `[a, b]`, `|`, `@`, `length(…)`, `'text'`,
 * `` `json` ``. Nothing is computed and nothing is called. What is not there is null.
 */
/** Throws a RangeError where it is too much work for a value. */
export type Selection = (value: Json) => Json;

const MAX_TEXT = 2_000;
const MAX_DEPTH = 24;
/** Steps of one evaluation: a filter within a filter multiplies. */
const MAX_STEPS = 2_000_000;

interface Work {
  left: number;
}
type Node = (value: Json, work: Work) => Json;
/** `each`: what follows is done with every element. */
type Step = { readonly node: Node } | { readonly each: (value: Json, work: Work) => Json[] | null };

/** Throws a SyntaxError in plain words. */
export function parseSelection(text: string): Selection {
  if (text.length > MAX_TEXT) throw new SyntaxError(`expected at most ${MAX_TEXT} characters`);
  const reader = new Reader(selectionTokens(text));
  const node = reader.pipe(0);
  reader.expect('end');
  return (value) => node(value, { left: MAX_STEPS });
}

class Reader {
  readonly #tokens: readonly SelectionToken[];
  #at = 0;

  constructor(tokens: readonly SelectionToken[]) {
    this.#tokens = tokens;
  }

  expect(kind: string): void {
    const token = this.#next();
    if (token.kind !== kind)
      throw new SyntaxError(`expected \`${kind}\`, got \`${token.text || 'the end'}\``);
  }

  pipe(depth: number): Node {
    if (depth > MAX_DEPTH) throw new SyntaxError(`expected at most ${MAX_DEPTH} levels`);
    let left = this.#or(depth);
    while (this.#take('|')) {
      const [first, second] = [left, this.#or(depth)];
      left = (value, work) => second(first(value, work), work);
    }
    return left;
  }

  #or(depth: number): Node {
    let left = this.#and(depth);
    while (this.#take('||')) {
      const [first, second] = [left, this.#and(depth)];
      left = (value, work) => {
        const is = first(value, work);
        return isTrue(is) ? is : second(value, work);
      };
    }
    return left;
  }

  #and(depth: number): Node {
    let left = this.#compared(depth);
    while (this.#take('&&')) {
      const [first, second] = [left, this.#compared(depth)];
      left = (value, work) => {
        const is = first(value, work);
        return isTrue(is) ? second(value, work) : is;
      };
    }
    return left;
  }

  #compared(depth: number): Node {
    if (depth > MAX_DEPTH) throw new SyntaxError(`expected at most ${MAX_DEPTH} levels`);
    if (this.#take('!')) {
      const node = this.#compared(depth + 1);
      return (value, work) => !isTrue(node(value, work));
    }
    const left = this.#path(depth);
    const operator = this.#peek().kind;
    if (!COMPARE.has(operator)) return left;
    this.#at++;
    const right = this.#path(depth);
    return (value, work) => compare(operator, left(value, work), right(value, work));
  }

  #path(depth: number): Node {
    let steps: Step[] = [this.#first(depth)];
    for (;;) {
      if (this.#take('.')) steps.push(this.#member(depth));
      else if (this.#peek().kind === '[') {
        const step = this.#bracket(depth);
        if (step !== 'flatten') steps.push(step);
        else {
          const before = chained(steps);
          steps = [{ each: (value, work) => flattened(before(value, work)) }];
        }
      } else return chained(steps);
    }
  }

  #first(depth: number): Step {
    const token = this.#peek();
    if (token.kind === '[') {
      const step = this.#bracket(depth, true);
      return step === 'flatten' ? { each: (value) => flattened(value) } : step;
    }
    if (token.kind === '(') {
      this.#at++;
      const node = this.pipe(depth + 1);
      this.expect(')');
      return { node };
    }
    if (token.kind === 'value') {
      this.#at++;
      const { value = null } = token;
      return { node: () => value };
    }
    if (token.kind === '@') {
      this.#at++;
      return { node: (value) => value };
    }
    return this.#member(depth);
  }

  #member(depth: number): Step {
    const token = this.#next();
    switch (token.kind) {
      case 'name': {
        const { text } = token;
        if (!this.#take('(')) return { node: (value) => member(value, text) };
        if (text !== 'length') throw new SyntaxError(`there is no function \`${text}\``);
        const node = this.pipe(depth + 1);
        this.expect(')');
        return { node: (value, work) => lengthOf(node(value, work)) };
      }
      case '*':
        return { each: (value) => (isJsonObject(value) ? Object.values(value) : null) };
      case '{':
        return { node: this.#hash(depth) };
      case '[':
        return { node: this.#list(depth) };
      default:
        throw new SyntaxError(`expected a name, got \`${token.text || 'the end'}\``);
    }
  }

  #bracket(depth: number, first = false): Step | 'flatten' {
    this.expect('[');
    if (this.#take(']')) return 'flatten';
    const token = this.#peek();
    if (token.kind === '*' && this.#tokens[this.#at + 1]?.kind === ']') {
      this.#at += 2;
      return { each: (value) => listOf(value) };
    }
    if (token.kind === '?') {
      this.#at++;
      const test = this.pipe(depth + 1);
      this.expect(']');
      return {
        each: (value, work) => listOf(value)?.filter((one) => isTrue(test(one, work))) ?? null,
      };
    }
    if (token.kind === 'number' || token.kind === ':') return this.#indexed();
    if (!first) throw new SyntaxError(`expected a number, \`*\` or \`?\`, got \`${token.text}\``);
    return { node: this.#list(depth) };
  }

  #indexed(): Step {
    const from = this.#number();
    if (!this.#take(':')) {
      this.expect(']');
      return { node: (value) => listOf(value)?.at(from ?? 0) ?? null };
    }
    const to = this.#number();
    this.expect(']');
    return { each: (value) => listOf(value)?.slice(from, to) ?? null };
  }

  #number(): number | undefined {
    const token = this.#peek();
    if (token.kind !== 'number') return undefined;
    this.#at++;
    return Number(token.text);
  }

  #list(depth: number): Node {
    const nodes: Node[] = [];
    do nodes.push(this.pipe(depth + 1));
    while (this.#take(','));
    this.expect(']');
    return (value, work) => (value === null ? null : nodes.map((node) => node(value, work)));
  }

  #hash(depth: number): Node {
    const pairs: [string, Node][] = [];
    do {
      const key = this.#next();
      if (key.kind !== 'name') throw new SyntaxError(`expected a name, got \`${key.text}\``);
      this.expect(':');
      pairs.push([key.text, this.pipe(depth + 1)]);
    } while (this.#take(','));
    this.expect('}');
    return (value, work) =>
      value === null
        ? null
        : Object.fromEntries(pairs.map(([key, node]) => [key, node(value, work)]));
  }

  #peek(): SelectionToken {
    return this.#tokens[this.#at] ?? END;
  }

  #next(): SelectionToken {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #take(kind: string): boolean {
    if (this.#peek().kind !== kind) return false;
    this.#at++;
    return true;
  }
}

const END: SelectionToken = { kind: 'end', text: '' };
const COMPARE = new Set(['==', '!=', '<', '<=', '>', '>=']);

function chained(steps: readonly Step[]): Node {
  const from = (at: number, value: Json, work: Work): Json => {
    if (--work.left < 0) throw new RangeError('the selection is too much work for this answer');
    const step = steps[at];
    if (step === undefined) return value;
    if ('node' in step) return from(at + 1, step.node(value, work), work);
    const list = step.each(value, work);
    if (list === null) return null;
    return list.flatMap((one): Json[] => {
      const is = from(at + 1, one, work);
      return is === null ? [] : [is];
    });
  };
  return (value, work) => from(0, value, work);
}

function member(value: Json, name: string): Json {
  return isJsonObject(value) && Object.hasOwn(value, name) ? (value[name] ?? null) : null;
}

function listOf(value: Json): Json[] | null {
  return Array.isArray(value) ? (value as Json[]) : null;
}

function flattened(value: Json): Json[] | null {
  return listOf(value)?.flatMap((one) => (Array.isArray(one) ? (one as Json[]) : [one])) ?? null;
}

function lengthOf(value: Json): Json {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : null;
}

/** False, null and whatever is empty are not true, as in JMESPath. */
function isTrue(value: Json): boolean {
  if (value === null || value === false || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isJsonObject(value) || Object.keys(value).length > 0;
}

function compare(operator: string, a: Json, b: Json): Json {
  if (operator === '==' || operator === '!=') {
    const same = a === b || JSON.stringify(a) === JSON.stringify(b);
    return same === (operator === '==');
  }
  if (typeof a !== 'number' || typeof b !== 'number') return null;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

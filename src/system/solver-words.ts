import type { Solved } from '../domain/solver.ts';

/** What Z3 printed for one question: `sat` and the values that were wanted, `unsat`, or anything else, which says nothing. */
export function spoken(text: string, wanted: number): Solved {
  const [first = '', ...rest] = text.split('\n');
  if (first === 'unsat') return { kind: 'never' };
  if (first !== 'sat')
    return {
      kind: 'unknown',
      why: first === 'unknown' ? 'the solver gave up' : 'the solver cannot read the question',
    };
  const values = valuesIn(rest.join('\n'));
  if (values.length !== wanted) return { kind: 'unknown', why: 'the solver gave no example' };
  return { kind: 'holds', values };
}

/** Of `((term value) (term value))` the values, in their order. */
function valuesIn(text: string): readonly string[] {
  const tokens = text.match(/"(?:[^"]|"")*"|[()]|[^\s()"]+/g) ?? [];
  const values: string[] = [];
  let at = 0;
  const whole = (): string => {
    const token = tokens[at++] ?? '';
    if (token !== '(') return token;
    const parts: string[] = [];
    while (at < tokens.length && tokens[at] !== ')') parts.push(whole());
    at++;
    return `(${parts.join(' ')})`;
  };
  if (tokens[at++] !== '(') return [];
  while (tokens[at] === '(') {
    at++;
    whole();
    values.push(whole());
    at++;
  }
  return values;
}

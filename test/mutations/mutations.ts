/** One control switched off: `find` (once in `file`) becomes `replace`, and `test` must fail. */
export interface Mutation {
  readonly control: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
  /** Left out of `--short`. */
  readonly slow?: true;
}

const property = (name: string): string => `test/properties/${name}.test.ts`;

export const MUTATIONS: readonly Mutation[] = [
  {
    control: 'the lowest ceiling wins',
    file: 'src/judge/judge.ts',
    find: 'ceiling = lower(ceiling, verdict.ceiling);',
    replace: 'ceiling = verdict.ceiling;',
    test: property('lowest_ceiling_wins'),
  },
  {
    control: 'a check that throws denies',
    file: 'src/judge/judge.ts',
    find: "ceiling: 'deny',\n      code: 'CHECK_FAILED'",
    replace: "ceiling: 'auto',\n      code: 'CHECK_FAILED'",
    test: property('default_deny'),
  },
  {
    control: 'no grant denies',
    file: 'src/judge/checks/grant.ts',
    find: "ceiling: 'deny',\n      code: 'NOT_GRANTED'",
    replace: "ceiling: 'auto',\n      code: 'NOT_GRANTED'",
    test: property('default_deny'),
  },
  {
    control: 'the reversibility gate',
    file: 'src/judge/checks/reversibility.ts',
    find: "ceiling: 'approve',\n    code: 'IRREVERSIBLE'",
    replace: "ceiling: 'auto',\n    code: 'IRREVERSIBLE'",
    test: property('irreversible_never_auto'),
  },
  {
    control: 'the type cannot hold an irreversible auto',
    file: 'src/domain/decision.ts',
    find: "{ mode: 'approve', nature, verdicts }",
    replace: "({ mode: 'auto', nature, verdicts } as never)",
    test: property('irreversible_never_auto'),
  },
  {
    control: 'a recovery path in production stays',
    file: 'src/judge/checks/reversibility.ts',
    find: "production ? 'deny' : 'approve'",
    replace: "'approve'",
    test: property('irreversible_never_auto'),
  },
];

import assert from 'node:assert/strict';
import test from 'node:test';
import { type AtTarget, type Evidence, figuresOf, MUST_BE_ZERO, type Told } from './figures.ts';

/** One run that did everything right: a mark, a post whose answer was lost, a read. */
const EVIDENCE: Evidence = {
  actions: [
    { run: 'r', tool: 'add_mark', marker: 'a', outcome: 'failed' },
    { run: 'r', tool: 'add_mark', marker: 'a', outcome: 'done' },
    { run: 'r', tool: 'post_mark', marker: 'b', outcome: 'unknown' },
    { run: 'r', tool: 'get_slot', marker: null, outcome: 'done' },
  ],
  answered: new Set(['ask']),
  usage: [{ key: 'run:r', dimension: 'rowsWritten', posted: 4, pending: 0 }],
  ledgerProblems: [],
  narrowRuns: new Set(['r']),
};
const TARGET: AtTarget = {
  effects: new Map([
    ['a', 1],
    ['b', 1],
  ]),
  logins: [],
};
const TOLD: Told = {
  done: new Set(['a']),
  reads: new Map([['r get_slot', 1]]),
  approvals: new Set(['ask']),
};

type Case = readonly [string, Partial<Evidence>, Partial<AtTarget>, Partial<Told>];

const RED: readonly Case[] = [
  ['doubleEffects', {}, { effects: new Map([['a', 2]]) }, {}],
  [
    'effectsWithoutIntent',
    {},
    {
      effects: new Map([
        ['a', 1],
        ['c', 1],
      ]),
    },
    {},
  ],
  ['doneWithoutEffect', {}, { effects: new Map() }, {}],
  [
    'effectAfterFailed',
    { actions: [{ run: 'r', tool: 'add_mark', marker: 'a', outcome: 'failed' }] },
    { effects: new Map([['a', 1]]) },
    { done: new Set(), reads: new Map() },
  ],
  [
    'unknownsPostgres',
    {
      actions: [
        ...EVIDENCE.actions,
        { run: 'r', tool: 'hit_slot', marker: 's', outcome: 'unknown' },
      ],
    },
    {},
    {},
  ],
  [
    'leakedReservations',
    { usage: [{ key: 'run:q', dimension: 'calls', posted: 0, pending: 1 }] },
    {},
    {},
  ],
  [
    'leakedReservations',
    { usage: [{ key: 'run:r', dimension: 'rowsWritten', posted: 5, pending: 0 }] },
    {},
    {},
  ],
  ['brokenChains', { ledgerProblems: ['a fork'] }, {}, {}],
  ['leakedRoles', {}, { logins: ['run_1'] }, {}],
  ['acknowledgedLost', {}, {}, { done: new Set(['b']) }],
  ['acknowledgedLost', {}, {}, { reads: new Map([['r get_slot', 2]]) }],
  ['acknowledgedLost', {}, {}, { approvals: new Set(['other']) }],
];

test('what went right counts as nothing wrong', () => {
  const figures = figuresOf(EVIDENCE, TARGET, TOLD);
  assert.equal(figures.unknowns, 1);
  for (const name of MUST_BE_ZERO) assert.equal(figures[name], 0, name);
});

for (const [name, evidence, target, told] of RED)
  test(`${name} is noticed, and nothing else turns red with it`, () => {
    const figures = figuresOf(
      { ...EVIDENCE, ...evidence },
      { ...TARGET, ...target },
      { ...TOLD, ...told },
    );
    const red = MUST_BE_ZERO.filter((figure) => figures[figure] > 0);
    const along: readonly string[] = name === 'doubleEffects' ? ['effectAfterFailed'] : [];
    assert.deepEqual(
      red.filter((figure) => !along.includes(figure)),
      [name],
    );
  });

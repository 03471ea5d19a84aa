import fc from 'fast-check';
import { type Approval, approvalDigest } from '../../src/domain/approval.ts';
import type { Bundle, Connection, Tool } from '../../src/domain/bundle.ts';
import {
  DIMENSIONS,
  EFFECT_CLASSES,
  type EffectVector,
  effectVector,
} from '../../src/domain/effect.ts';
import type { Facts } from '../../src/domain/facts.ts';
import type { Halt } from '../../src/domain/halt.ts';
import { ARGUMENT_KINDS, type LineageFacts } from '../../src/domain/lineage.ts';
import { DETECTORS, STAGES } from '../../src/domain/loops.ts';
import { RUNGS } from '../../src/domain/mode.ts';
import type { Measured } from '../../src/domain/proposal.ts';
import type { Run } from '../../src/domain/run.ts';

/** Arbitrary facts for the judge: every field drawn, kind and hostile ones alike. */
const NOW = 1_800_000_000_000;

const small = fc.integer({ min: 0, max: 40 });

export const effects: fc.Arbitrary<EffectVector> = fc
  .record(
    Object.fromEntries(DIMENSIONS.map((d) => [d, small])) as {
      [D in keyof EffectVector]: fc.Arbitrary<number>;
    },
  )
  .map((part) => effectVector(part));

export const tools: fc.Arbitrary<Tool> = fc.record({
  name: fc.constantFrom('alpha', 'beta'),
  description: fc.constant('a tool'),
  connection: fc.constant('target'),
  inputSchema: fc.constant({ type: 'object' }),
  effect: fc.constantFrom(...EFFECT_CLASSES),
  reversibility: fc.constantFrom('exercised', 'declared', 'none'),
  idempotent: fc.boolean(),
  recoveryPath: fc.boolean(),
  cap: effects,
  maxResultBytes: fc.constant(1000),
  timeoutMs: fc.constant(1000),
  binding: fc.constant({}),
  derivation: fc.constant([]),
  digest: fc.constantFrom('tool-1', 'tool-2'),
});

const runs: fc.Arbitrary<Run> = fc.record({
  id: fc.constantFrom('run_1', 'run_2'),
  root: fc.constantFrom('run_1', 'run_2'),
  parent: fc.constant(null),
  depth: fc.constant(0),
  agent: fc.constantFrom('ann', 'bob'),
  intent: fc.constant('undeclared'),
  state: fc.constantFrom('live', 'ended'),
  startedAt: fc.constant(NOW - 1000),
  expiresAt: fc.constantFrom(NOW - 1, NOW + 1_000_000),
  endedAt: fc.constant(null),
  budget: fc.constant({}),
  tools: fc.constantFrom(null, ['alpha']),
  actsFor: fc.constantFrom([], [{ run: 'run_0', agent: 'bob', budget: {} }]),
});

const halts: fc.Arbitrary<Halt> = fc.record({
  scope: fc.constantFrom(
    'all',
    'agent:ann',
    'agent:bob',
    'run:run_1',
    'run:run_2',
    'tool:alpha',
    'connection:target',
  ),
  epoch: fc.nat(9),
  reason: fc.constant('r'),
  by: fc.constant('o'),
  at: fc.constant(NOW - 10),
  state: fc.constantFrom('gated', 'inert', 'lifted'),
});

const connections: fc.Arbitrary<Connection> = fc.record({
  name: fc.constant('target'),
  kind: fc.constant('target'),
  environment: fc.constantFrom('production', 'staging'),
  settings: fc.constant({}),
});

const measured: fc.Arbitrary<Measured> = fc.record({
  effect: effects,
  byTable: fc.constant([]),
  images: fc.constant([]),
  imagesComplete: fc.boolean(),
  preState: fc.constantFrom('rows-1', 'rows-2'),
});

const approvals: fc.Arbitrary<Approval> = fc
  .record({
    runId: fc.constantFrom('run_1', 'run_2'),
    tool: fc.constantFrom('alpha', 'beta'),
    toolDigest: fc.constantFrom('tool-1', 'tool-2'),
    argumentsDigest: fc.constantFrom('args-1', 'args-2'),
    target: fc.constantFrom('production/target', 'staging/target'),
    preState: fc.constantFrom('rows-1', 'rows-2', 'unmeasured'),
    halt: fc.nat(9),
    expiresAt: fc.constantFrom(NOW - 1, NOW + 1000),
    nonce: fc.constant('n'),
  })
  .chain((binding) =>
    fc.constantFrom('pending', 'approved', 'used', 'refused', 'void').map((state) => ({
      id: 'ask_1',
      actionId: 'act_1',
      agent: 'ann',
      binding,
      digest: approvalDigest(binding),
      state: state as Approval['state'],
      askedAt: NOW - 5,
      answeredBy: null,
      answeredAt: null,
    })),
  );

const BUNDLE: Bundle = {
  digest: 'b',
  format: 1,
  organisation: { name: 'o', domains: [] },
  connections: {},
  tools: {},
  agents: {},
  grants: [],
  limits: {},
  approvalMinutes: 60,
};

const spans = fc.option(
  fc.record({
    of: fc.constantFrom('intent', 'act_0'),
    start: small,
    end: small,
  }),
);

const lineages: fc.Arbitrary<LineageFacts> = fc.record({
  proofs: fc.array(
    fc.record({
      argument: fc.constant('to'),
      kind: fc.constantFrom(...ARGUMENT_KINDS),
      value: fc.constant('x@y.example'),
      proof: fc.constantFrom('principal', 'operator', 'leaf', 'untrusted', 'unknown'),
      span: spans,
      outside: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  flows: fc.array(
    fc.record({
      kind: fc.constantFrom('copied', 'labelled', 'address', 'secret', 'unread'),
      argument: fc.constant('body'),
      value: fc.constant('words'),
      span: spans,
    }),
    { maxLength: 2 },
  ),
  seen: fc.subarray(['untrusted', 'private', 'pii'] as const),
});

const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { freq: 6 });

export const facts: fc.Arbitrary<Facts> = fc.record({
  now: fc.constant(NOW),
  stamp: fc.constant({ halt: 0, bundle: 'b' }),
  bundle: fc.constant(BUNDLE),
  run: maybe(runs),
  halts: fc.array(halts, { maxLength: 2 }),
  toolName: fc.constantFrom('alpha', 'beta'),
  tool: maybe(tools),
  connection: maybe(connections),
  rung: maybe(fc.constantFrom(...RUNGS)),
  arguments: fc.constant({}),
  argumentsDigest: fc.constantFrom('args-1', 'args-2'),
  continuation: fc.constant(null),
  inputProblems: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.constant(['`id` is missing']) },
  ),
  limits: fc.array(
    fc.record({
      key: fc.constantFrom('run:run_1', 'agent:ann:2027-01-15'),
      dimension: fc.constantFrom(...DIMENSIONS),
      limit: fc.integer({ min: 0, max: 100 }),
      posted: small,
      pending: small,
    }),
    { maxLength: 3 },
  ),
  approval: maybe(approvals),
  haltedCredentials: fc.constant([]),
  lineage: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: lineages },
  ),
  unknownRepeat: fc.option(fc.constant('act_0'), { freq: 2 }),
  consulted: fc.array(
    fc.record({
      consult: fc.constant('judge'),
      ceiling: fc.constantFrom('auto' as const, 'approve' as const, 'deny' as const),
      code: fc.constant('CONSULT_ALLOWED' as const),
      reason: fc.constant('r'),
    }),
    { maxLength: 2 },
  ),
  firings: fc.array(
    fc.record({
      detector: fc.constantFrom(...DETECTORS),
      stage: fc.constantFrom(...STAGES),
      code: fc.constant('LOOP_SAME_RESULT'),
      reason: fc.constant('r'),
      fix: fc.constant('f'),
    }),
    { maxLength: 2 },
  ),
  removes: fc.option(fc.constant('backup'), { freq: 2 }),
  measured: maybe(measured),
  policy: fc.constant(null),
});

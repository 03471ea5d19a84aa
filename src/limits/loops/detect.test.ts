import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 } from '../../domain/digest.ts';
import {
  DETECTORS,
  type Detector,
  LOOKED_BACK,
  type LoopRules,
  type Repeats,
  USUAL_THRESHOLDS,
} from '../../domain/loops.ts';
import { firingsOf } from './detect.ts';
import { keyOf, sketchOf } from './print.ts';
import { keepsInterval, type MadeCall, type Told, told } from './steps.ts';
import { EMPTY_TRAIL, type Trail } from './trail.ts';

const RULES: LoopRules = Object.fromEntries(
  DETECTORS.map((detector) => [detector, { as: 'on', at: USUAL_THRESHOLDS[detector] }]),
);

interface Said {
  readonly tool?: string;
  readonly with?: MadeCall['arguments'];
  readonly effect?: 'read' | 'change';
  readonly says?: string;
  readonly as?: Told['as'];
  readonly fits?: boolean;
  readonly everyMs?: number;
  readonly repeats?: Repeats;
  /** Seconds since the last call. */
  readonly after?: number;
}

/** Plays the calls: what is held up is not executed. What fired, by call. */
function played(calls: readonly Said[]): string[][] {
  let trail: Trail = EMPTY_TRAIL;
  let at = 0;
  return calls.map((said, index) => {
    at += (said.after ?? 1) * 1_000;
    const call: MadeCall = {
      tool: said.tool ?? 'get',
      argumentsDigest: sha256(JSON.stringify(said.with ?? {})),
      arguments: said.with ?? {},
      effect: said.effect ?? 'read',
      pollingMs: said.everyMs,
      at,
    };
    const fired = firingsOf(
      RULES,
      {
        ...call,
        ...sketchOf(call.arguments),
        key: keyOf(call.argumentsDigest),
        repeatHarms: said.effect === 'change',
        fits: said.fits ?? true,
        polls: keepsInterval(trail, call),
        repeats: said.repeats ?? null,
      },
      trail,
    );
    const held = fired.some(({ stage }) => ['steer', 'block', 'stop'].includes(stage));
    const as = held ? 'held' : said.fits === false ? 'invalid' : (said.as ?? 'done');
    trail = told(trail, call, { action: `act_${index}`, as, text: said.says ?? 'the same' });
    return fired.map(({ detector, stage }) => `${detector} ${stage}`);
  });
}

const of = (fired: readonly string[][], detector: Detector): string[] =>
  fired.map((all) => all.find((one) => one.startsWith(detector))?.split(' ')[1] ?? '');
const times = (count: number, said: Said | ((index: number) => Said)): Said[] =>
  Array.from({ length: count }, (_, index) => (typeof said === 'function' ? said(index) : said));

test('L1: the same result three times is steered from, then asked about, then stopped', () => {
  const ups = of(played(times(9, {})), 'sameResult');
  assert.deepEqual(ups.slice(0, 6), ['', '', '', 'steer', 'steer', 'pause']);
  assert.equal(of(played(times(12, {})), 'sameResult').includes('stop'), true);
});

test('L1: a result that changes is no loop, and after a change the agent may look again', () => {
  const moving = played(times(12, (index) => ({ says: `row ${'x'.repeat(index)}` })));
  assert.deepEqual(of(moving, 'sameResult').join(''), '');
  const looked = [...times(3, {}), { tool: 'set', effect: 'change' as const }, {}];
  assert.deepEqual(of(played(looked), 'sameResult').at(-1), 'observe');
});

test('L1: the same call hours apart is no loop, wherever else it was made it is', () => {
  assert.equal(of(played(times(12, { after: 1_801 })), 'sameResult').join(''), '');
  const between = times(20, (index) => (index % 5 === 0 ? {} : { tool: `t${index}` }));
  assert.equal(of(played(between), 'sameResult').includes('steer'), true);
});

test('polling: what keeps its interval is left alone, what does not is a loop', () => {
  const kept = played(times(200, { everyMs: 5_000, after: 5 }));
  assert.deepEqual(kept.flat(), []);
  const hasty = played(times(12, { everyMs: 5_000, after: 1 }));
  assert.equal(of(hasty, 'sameResult').includes('steer'), true);
});

test('L2: a call that failed twice is steered from, tried again after something else worked, then blocked', () => {
  const fails: Said = { as: 'failed' };
  assert.deepEqual(of(played([fails, fails, fails, fails]), 'failing'), ['', '', 'steer', 'block']);
  const mended = played([fails, fails, { tool: 'mend' }, fails, fails]);
  assert.deepEqual(of(mended, 'failing'), ['', '', '', 'observe', 'block']);
  assert.deepEqual(of(played([fails, {}, fails, {}, fails]), 'failing').join(''), '');
});

test('L3: a harmful repeat is asked about at the second and blocked at the third; a harmless one is not', () => {
  const made = (attempts: number, effect: 'read' | 'change' = 'change'): string[] =>
    of(played([{ effect, repeats: { attempts, refusedAsks: 0, refusedOfTool: 0 } }]), 'repeat');
  assert.deepEqual([made(0), made(1), made(2), made(39)].flat(), ['', 'pause', 'block', 'block']);
  assert.deepEqual(made(39, 'read'), ['']);
});

test('L4: going round is asked about from the third round on, also between two tools', () => {
  const pair = (says?: (index: number) => string): Said[] =>
    times(14, (index) => ({
      tool: index % 2 === 0 ? 'a' : 'b',
      ...(says === undefined ? {} : { says: says(index) }),
    }));
  assert.equal(of(played(pair()), 'cycle').indexOf('pause'), 5);
  const fresh = of(played(pair((index) => `x${'y'.repeat(index)}`)), 'cycle');
  assert.equal(fresh.includes('pause'), false);
  assert.equal(fresh.includes('observe'), true);
});

test('L4: walking on with one call is no cycle while it tells something new', () => {
  const next = times(15, (index) => ({ tool: 'next', says: 'x'.repeat(index) }));
  assert.equal(of(played(next), 'cycle').includes('pause'), false);
});

test('L5: other arguments every time and nothing new in any result', () => {
  const tries = times(12, (index) => ({
    with: { q: `word ${index}` },
    says: `0 rows in ${index} ms`,
  }));
  assert.equal(of(played(tries), 'noNews').indexOf('steer'), 8);
  const news = times(12, (index) => ({ with: { q: `word ${index}` }, says: 'x'.repeat(index) }));
  assert.equal(of(played(news), 'noNews').join(''), '');
  const writes = times(20, (index) => ({ effect: 'change' as const, with: { q: `${index}` } }));
  assert.equal(
    of(played(writes), 'noNews').join(''),
    '',
    'a change that says `ok` is no lack of news',
  );
});

test('L10: arguments that do not fit, over and over', () => {
  const wrong = times(12, (index) => ({ fits: false, with: { n: `${index}` } }));
  const ups = of(played(wrong), 'invalid');
  assert.deepEqual([ups[1], ups[2], ups[9]], ['', 'observe', 'stop']);
});

test('L11: humans who said no are not asked for ever', () => {
  const asked = (refusedAsks: number, refusedOfTool: number): string[] =>
    of(
      played([{ effect: 'change', repeats: { attempts: 0, refusedAsks, refusedOfTool } }]),
      'refusedAsks',
    );
  assert.deepEqual([asked(1, 1), asked(2, 2), asked(0, 4), asked(4, 4)].flat(), [
    '',
    'block',
    'block',
    'stop',
  ]);
});

test('the same calls fire the same, and no trail grows beyond what is looked back over', () => {
  const call = fc.record({
    tool: fc.constantFrom('a', 'b'),
    with: fc.record({ n: fc.integer({ min: 0, max: 3 }) }),
    says: fc.constantFrom('x', 'y1', 'y2'),
    as: fc.constantFrom('done' as const, 'failed' as const),
    effect: fc.constantFrom('read' as const, 'change' as const),
    after: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 120 }), (calls) => {
      assert.deepEqual(played(calls), played(calls));
    }),
    { numRuns: 200 },
  );
  let trail = EMPTY_TRAIL;
  for (let index = 0; index < 200; index++)
    trail = told(
      trail,
      {
        ...{ tool: 't', argumentsDigest: `${index}`, arguments: {}, at: index },
        ...{ effect: 'read', pollingMs: undefined },
      },
      { action: `act_${index}`, as: 'done', text: '' },
    );
  assert.equal(trail.steps.length, LOOKED_BACK);
});

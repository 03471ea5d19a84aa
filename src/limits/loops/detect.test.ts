import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 } from '../../domain/digest.ts';
import {
  DETECTORS,
  type Detector,
  type Firing,
  LOOKED_BACK,
  type LoopRules,
  type Repeats,
  USUAL_THRESHOLDS,
} from '../../domain/loops.ts';
import type { Spend } from '../../domain/spend.ts';
import { firingsOf } from './detect.ts';
import { FEWEST, NOTHING, type Norm, normOf } from './norm.ts';
import { keyOf, sketchOf } from './print.ts';
import { keepsInterval, type MadeCall, type Told, told } from './steps.ts';
import { EMPTY_TRAIL, type Trail, turned } from './trail.ts';
import { begunTurn, saidOf, spentTurn } from './turns.ts';

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
  /** A model call before this one. */
  readonly model?: Partial<Spend>;
  /** Sub-runs begun before this one, all with the same intent. */
  readonly workers?: number;
  readonly trusted?: boolean;
  readonly repeats?: Repeats;
  /** Seconds since the last call. */
  readonly after?: number;
}

const MODEL: Spend = {
  ...{ id: 'spd', source: 'reported', by: 'client', model: 'm', said: null },
  ...{ tokensIn: 1_000, tokensOut: 100, moneyMicros: 1_000 },
};
/** Twenty runs that cost three cents and ten thousand tokens in ten calls, in two minutes. */
const USUAL: Norm = {
  ...{ runs: 20, calls: 10, moneyMicros: 30_000, tokens: 10_000 },
  perMinute: { moneyMicros: 5_000, tokens: 5_000 },
};

/** Plays the calls: what is held up is not executed. What fired, by call. */
function played(calls: readonly Said[], norm: Norm | null = null): string[][] {
  return firings(calls, norm).map((all) =>
    all.map(({ detector, stage }) => `${detector} ${stage}`),
  );
}

function firings(calls: readonly Said[], norm: Norm | null): (readonly Firing[])[] {
  let trail: Trail = EMPTY_TRAIL;
  let spent = NOTHING;
  let at = 0;
  return calls.map((said, index) => {
    at += (said.after ?? 1) * 1_000;
    const call: MadeCall = {
      tool: said.tool ?? 'get',
      argumentsDigest: sha256(JSON.stringify(said.with ?? {})),
      arguments: said.with ?? {},
      effect: said.effect ?? 'read',
      pollingMs: said.everyMs,
      moneyMicros: 0,
      trusted: said.trusted ?? false,
      at,
    };
    if (said.model !== undefined) {
      const turn = spentTurn({ ...MODEL, id: `spd_${index}`, ...said.model }, at);
      trail = turned(trail, turn);
      spent = {
        moneyMicros: spent.moneyMicros + turn.moneyMicros,
        tokens: spent.tokens + turn.tokens,
      };
    }
    for (let worker = 0; worker < (said.workers ?? 0); worker++)
      trail = turned(trail, begunTurn(`run_${index}_${worker}`, at, 'review one file of the list'));
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
      { spent, norm },
    );
    const held = fired.some(({ stage }) => ['steer', 'block', 'stop'].includes(stage));
    const as = held ? 'held' : said.fits === false ? 'invalid' : (said.as ?? 'done');
    trail = told(trail, call, { action: `act_${index}`, as, text: said.says ?? 'the same' });
    return fired;
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

const news = (index: number): Said => ({ with: { page: `${index}` }, says: 'x'.repeat(index) });
const stagesOf = (
  calls: readonly Said[],
  detector: Detector,
  norm: Norm | null = USUAL,
): string[] => of(played(calls, norm), detector);

test('L6: three minutes in a row far above what such runs spend ask a human', () => {
  const dear = (index: number): Said => ({
    ...{ ...news(index), after: 20, model: { moneyMicros: 60_000, tokensIn: 100 + index } },
  });
  const fast = stagesOf(times(16, dear), 'velocity');
  assert.deepEqual([fast[3], fast[6], fast[12]], ['', '', 'pause']);
  const once = times(16, (index) =>
    index === 8
      ? { ...news(index), after: 20, model: { moneyMicros: 900_000 } }
      : { ...news(index), after: 20 },
  );
  assert.equal(stagesOf(once, 'velocity').join(''), '', 'one dear call is no speed');
  assert.equal(stagesOf(times(16, dear), 'velocity', null).join(''), '', 'too few runs');
});

test('L6: a context that only grows, with nothing new read, asks a human', () => {
  const grows = (index: number): Said => ({
    ...{ tool: `t${index}`, says: 'the same', model: { tokensIn: 1_000 + 500 * index } },
  });
  assert.equal(stagesOf(times(14, grows), 'velocity', null).indexOf('pause'), 12);
  const reads = times(14, (index) => ({ ...grows(index), says: 'x'.repeat(index) }));
  assert.equal(stagesOf(reads, 'velocity', null).join(''), '');
});

test('L7: five times the usual cost is recorded, eight times asks a human; too few runs say nothing', () => {
  const dear = times(10, (index) => ({
    ...{ ...news(index), after: 600, model: { moneyMicros: 30_000, tokensIn: 1 } },
  }));
  const ups = stagesOf(dear, 'cost');
  assert.deepEqual([ups[3], ups[4], ups[6], ups[7]], ['', 'observe', 'observe', 'pause']);
  assert.equal(stagesOf(dear, 'cost', null).join(''), '');
  const cheap = { ...USUAL, moneyMicros: 100, tokens: 1 };
  assert.equal(stagesOf(dear.slice(0, 4), 'cost', cheap).join(''), '', 'a trifle is worth no word');
});

test('L8: steps that are far dearer since an untrusted source name it; reads are told, changes ask', () => {
  const calm = times(6, (index) => ({ ...news(index), model: { tokensIn: 2_000 } }));
  const poison: Said = { tool: 'read_mail', says: 'please', model: { tokensIn: 2_000 } };
  const wild = times(4, (index) => ({
    ...{ ...news(20 + index), model: { tokensIn: 60_000 } },
    ...(index === 3 ? { effect: 'change' as const, tool: 'send' } : {}),
  }));
  const all = firings([...calm, poison, ...wild], null);
  const told = all.map((one) => one.find(({ detector }) => detector === 'jump'));
  assert.deepEqual(told.map((one) => one?.stage ?? '').slice(-3), ['observe', 'observe', 'pause']);
  assert.match(told.at(-1)?.reason ?? '', /since `act_6` \(`read_mail`\)/);
  const even = times(14, (index) => ({ ...news(index), model: { tokensIn: 60_000 } }));
  assert.equal(stagesOf(even, 'jump', null).join(''), '', 'dear from the start is no jump');
  const own = [
    ...calm,
    { ...poison, trusted: true },
    ...wild.map((one) => ({ ...one, trusted: true })),
  ];
  assert.doesNotMatch(
    firings(own, null)
      .flat()
      .map(({ reason }) => reason)
      .join(''),
    /read_mail/,
  );
});

test('L8: going on for many times the usual number of steps, and nothing new since a source', () => {
  const on = [
    news(9),
    ...times(90, (index) => ({ tool: `t${index}`, says: 'none', effect: 'change' as const })),
  ];
  const ups = stagesOf(on, 'jump');
  assert.equal(ups.slice(0, 33).join(''), '');
  assert.equal(ups.includes('observe'), true);
  assert.equal(stagesOf(on, 'jump', null).join(''), '');
});

test('L10: the same words turn after turn are steered from, unless something new was read', () => {
  const said = saidOf('I will now try the very same thing once more');
  const circle = times(8, (index) => ({ tool: `t${index}`, says: 'none', model: { said } }));
  assert.deepEqual(stagesOf(circle, 'words').slice(0, 6), ['', '', '', 'steer', 'steer', 'steer']);
  const reads = times(8, (index) => ({ ...news(index), model: { said } }));
  assert.equal(stagesOf(reads, 'words').join(''), '');
  assert.equal(saidOf('ok'), null, 'short texts are said often');
});

test('L10: workers begun together with the same words are left alone, one after the other they are not', () => {
  const silent = (index: number): Said => ({ tool: `t${index}`, says: 'none' });
  const together = [{ ...silent(0), workers: 12 }, ...times(4, (index) => silent(index + 1))];
  assert.equal(stagesOf(together, 'words').join(''), '');
  const inTurn = times(6, (index) => ({ ...silent(index), workers: 1 }));
  assert.equal(stagesOf(inTurn, 'words').includes('steer'), true);
});

test('a tool that is polled as it declares is left alone by all of them', () => {
  const polls = times(90, (index) => ({
    ...{ everyMs: 5_000, after: 5, says: 'waiting' },
    model: { tokensIn: 1_000 + 1_000 * index, moneyMicros: 100_000, said: 'the same' },
  }));
  assert.deepEqual(played(polls, USUAL).flat(), []);
});

test('the median is of enough runs or there is none', () => {
  const run = (moneyMicros: number) => ({
    ...{ moneyMicros, tokens: 10, calls: { paid: 2 }, actions: 4, ms: 120_000 },
  });
  const runs = Array.from({ length: FEWEST }, (_, index) => run(1_000 * index));
  const norm = normOf(runs, (tool) => (tool === 'paid' ? 50 : 0));
  assert.deepEqual(norm, {
    ...{ runs: 8, calls: 4, moneyMicros: 4_100, tokens: 10 },
    perMinute: { moneyMicros: 2_050, tokens: 5 },
  });
  assert.equal(
    normOf(runs.slice(1), () => 0),
    null,
  );
});

test('the same calls fire the same, and no trail grows beyond what is looked back over', () => {
  const call = fc.record({
    tool: fc.constantFrom('a', 'b'),
    with: fc.record({ n: fc.integer({ min: 0, max: 3 }) }),
    says: fc.constantFrom('x', 'y1', 'y2'),
    as: fc.constantFrom('done' as const, 'failed' as const),
    effect: fc.constantFrom('read' as const, 'change' as const),
    after: fc.integer({ min: 0, max: 400 }),
    model: fc.record({
      tokensIn: fc.integer({ min: 0, max: 50_000 }),
      moneyMicros: fc.integer({ min: 0, max: 50_000 }),
      said: fc.constantFrom(null, 'a', 'b'),
    }),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 120 }), (calls) => {
      assert.deepEqual(firings(calls, USUAL), firings(calls, USUAL));
    }),
    { numRuns: 200 },
  );
  let trail = EMPTY_TRAIL;
  for (let index = 0; index < 200; index++)
    trail = told(
      trail,
      {
        ...{ tool: 't', argumentsDigest: `${index}`, arguments: {}, at: index },
        ...{ effect: 'read', pollingMs: undefined, moneyMicros: 0, trusted: false },
      },
      { action: `act_${index}`, as: 'done', text: '' },
    );
  assert.equal(trail.steps.length, LOOKED_BACK);
});

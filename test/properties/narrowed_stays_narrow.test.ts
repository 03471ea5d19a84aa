import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planOf } from '../../src/connectors/mcp/plan.ts';
import type { Connection } from '../../src/domain/bundle.ts';
import { canonical, isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';
import { createInputCheck } from '../../src/tools/input.ts';
import { listedSchema } from '../../src/tools/narrow/listed.ts';
import type { Bounds, Narrowing } from '../../src/tools/narrow/narrowing.ts';
import { pinned } from '../../src/tools/pin.ts';

/*
 * `narrowed_stays_narrow`: whatever an agent sends to a narrowed tool, what reaches the server holds every fixed value,
 * no hidden argument, every bound, and no name that its server did not list. Looked at in the bytes of the request.
 */

const RUNS = 3_000;
const NAMES = ['repo', 'path', 'count', 'dry', 'options', 'items'];

/** Open everywhere: what is not narrowed is as wide as a server can be. */
const UPSTREAM: JsonObject = {
  type: 'object',
  properties: {
    repo: {},
    path: { type: ['string', 'null'] },
    count: { anyOf: [{ type: 'number' }, { type: 'string' }, { type: 'null' }] },
    dry: {},
    options: { type: 'object', properties: { dry: {}, deep: { properties: { path: {} } } } },
    items: { items: { properties: { path: {}, dry: {} } } },
  },
};

const PLACES = [
  'repo',
  'path',
  'count',
  'dry',
  '/options/dry',
  '/options/deep/path',
  '/items/*/path',
  '/items/*/dry',
];

const value: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  ...[null, true, false, 0, 1, 7, 1e9, '', 'a', 'ab', 'a\nb', 'a/../b', 'A', 'fixed'],
  ...['b', 'abc', 'a b', 'a.', '-a', 'a\u0000'],
  ...[[], ['a'], {}, { dry: true }],
);
const bounds: fc.Arbitrary<Bounds> = fc.constantFrom<Bounds>(
  { enum: ['a', 7, null] },
  { enum: ['ab'], optional: true },
  { pattern: '[a-z]+' },
  { pattern: '[a-z]+', optional: true },
  { pattern: '[a-z]' },
  { pattern: 'a|b', maxLength: 1 },
  { minLength: 1, maxLength: 2 },
);
const how = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('none' as const) }) },
  fc.record({
    kind: fc.constant('fix' as const),
    value: fc.constantFrom<Json>('fixed', 7, false, null),
  }),
  fc.record({ kind: fc.constant('hide' as const) }),
  fc.record({ kind: fc.constant('narrow' as const), bounds }),
);
const narrowings = fc.tuple(...PLACES.map(() => how)).map((each): Narrowing => {
  const fix: Record<string, Json> = {};
  const hide: string[] = [];
  const narrow: Record<string, Bounds> = {};
  each.forEach((one, at) => {
    const place = PLACES[at] ?? '';
    if (one.kind === 'fix')
      fix[place] = place === 'path' ? 'fixed' : place === 'count' ? 7 : one.value;
    if (one.kind === 'hide') hide.push(place);
    if (one.kind === 'narrow' && place !== 'count') narrow[place] = one.bounds;
    else if (one.kind === 'narrow') narrow[place] = { minimum: 1, maximum: 7 };
  });
  const upstream = { description: '', inputSchema: UPSTREAM };
  return { upstream, fix, hide, narrow, key: null, project: null, maxItems: null };
});

const spelled = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(name) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        name.toUpperCase(),
        `${name} `,
        `/${name}`,
        '__proto__',
        'constructor',
      ),
    },
  );
const object = (names: readonly string[], of: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> =>
  fc
    .array(
      fc.constantFrom(...names).chain((name) => fc.tuple(spelled(name), of)),
      { maxLength: 5 },
    )
    // as a parser makes it: a name that the language has is a member like any other
    .map((entries) =>
      JSON.parse(
        `{${entries.map(([n, v]) => `${JSON.stringify(n)}:${JSON.stringify(v)}`).join()}}`,
      ),
    );
const inner = fc.oneof(
  value,
  object(['dry', 'path', 'deep'], value),
  object(['deep', 'dry'], object(['path'], value)),
);
const list = fc.array(fc.oneof(value, object(['path', 'dry'], value)), { maxLength: 3 });
const inputs = object(NAMES, fc.oneof({ weight: 4, arbitrary: value }, inner, list));

/** Every value at a place; nothing where something on the way is not there. */
function valuesAt(root: Json, place: string): readonly Json[] {
  const parts = place.startsWith('/') ? place.slice(1).split('/') : [place];
  let found: readonly Json[] = [root];
  for (const part of parts)
    found = found.flatMap((at) => {
      if (part === '*') return Array.isArray(at) ? (at as readonly Json[]) : [];
      return isJsonObject(at) && Object.hasOwn(at, part) ? [at[part] as Json] : [];
    });
  return found;
}

function holds(value: Json, { enum: choices, pattern, ...more }: Bounds): boolean {
  const text = typeof value === 'string' ? value : null;
  const number = typeof value === 'number' ? value : Number.NaN;
  return (
    (choices === undefined || choices.some((each) => canonical(each) === canonical(value))) &&
    (pattern === undefined || (text !== null && new RegExp(`^(?:${pattern})$`, 'u').test(text))) &&
    (more.minLength === undefined || (text !== null && text.length >= more.minLength)) &&
    (more.maxLength === undefined || (text !== null && text.length <= more.maxLength)) &&
    (more.minimum === undefined || number >= more.minimum) &&
    (more.maximum === undefined || number <= more.maximum)
  );
}

const connection = { name: 'up', kind: 'mcp', environment: 'x', settings: {} } as Connection;

test('narrowed_stays_narrow', () => {
  const check = createInputCheck();
  let [sentOnes, refusedOnes] = [0, 0];
  fc.assert(
    fc.property(narrowings, inputs, (narrowing, input) => {
      const tool = pinned({
        ...{
          name: 'up_t',
          description: '',
          connection: 'up',
          effect: 'write',
          reversibility: 'none',
        },
        ...{
          idempotent: false,
          recoveryPath: false,
          maxResultBytes: 1,
          timeoutMs: 1,
          derivation: [],
        },
        cap: {} as never,
        inputSchema: listedSchema(narrowing),
        binding: {
          mcp: 'tools/call',
          name: 't',
          definition: 'd',
          narrow: narrowing as unknown as JsonObject,
        },
      });
      if (check(tool, input).length > 0) {
        refusedOnes++;
        return;
      }
      sentOnes++;
      const plan = planOf(tool);
      const { members } = plan.request(connection, plan.whole(input, 'k'), null);
      const sent = (JSON.parse(`{${members}}`) as { arguments: JsonObject }).arguments;
      for (const name of Object.keys(sent)) assert.ok(NAMES.includes(name), name);
      for (const [place, fixed] of Object.entries(narrowing.fix)) {
        const found = valuesAt(sent, place);
        for (const one of found) assert.equal(canonical(one), canonical(fixed), place);
        if (!place.includes('*')) assert.equal(found.length, 1, place);
      }
      for (const place of narrowing.hide) assert.deepEqual(valuesAt(sent, place), [], place);
      for (const [place, own] of Object.entries(narrowing.narrow)) {
        const found = valuesAt(sent, place);
        for (const one of found) assert.ok(holds(one, own), `${place}: ${JSON.stringify(one)}`);
        if (own.optional !== true && !place.includes('*')) assert.equal(found.length, 1, place);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(sentOnes > RUNS / 10, `${sentOnes} were let through`);
  assert.ok(refusedOnes > RUNS / 50);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACK } from '../policy/pack.ts';
import { loadConfig } from './load.ts';
import { planBundle } from './plan.ts';
import { policyFilesNamed } from './policies.ts';
import { ConfigProblems } from './problems.ts';
import { BASE, base, inspectors, planOf } from './testing/plans.ts';

const own = (text: string): string => `${BASE}\npolicies:\n${text}\n`;
const INLINE = `  inline: |
    @id("no-reads") @reason("not now")
    forbid (principal, action == Action::"get", resource) when { context.clock.hour < 8 };`;

async function faults(text: string): Promise<string[]> {
  try {
    await planOf(text);
  } catch (error) {
    assert.ok(error instanceof ConfigProblems, String(error));
    return error.problems.map(({ at, code, message }) => `${at} ${code} ${message}`);
  }
  return [];
}

test('the pack is in the bundle from the first plan, and is no widening', async () => {
  const { bundle, changes } = await planOf(BASE);
  assert.deepEqual(bundle.policies, { set: PACK });
  const policies = changes.filter(({ subject }) => subject === 'policy');
  assert.deepEqual(
    policies.map(({ name, widens }) => [name, widens.length]),
    Object.keys(PACK)
      .sort()
      .map((name) => [name, 0]),
  );
});

test('own policies, hours and freezes become part of the bundle; files only when they come along', async () => {
  const text = own(`  files: [more/a.cedar]
${INLINE}
  hours: { days: [fri, mon], from: "08:00", until: "18:30", timezone: Europe/Berlin }
  freezes: [{ name: new year, from: "2026-12-31T00:00Z", until: "2027-01-02T00:00Z" }]`);
  const planning = { active: base, inspectors: inspectors() };
  const files = { 'more/a.cedar': '@id("a") forbid(principal == Agent::"bot",action,resource);' };
  const { bundle } = await planBundle(loadConfig(text, 'signalbox.yaml', files), planning);
  const { set = {}, hours, freezes } = bundle.policies ?? {};
  assert.match(set.a ?? '', /^@id\("a"\)\nforbid \(/, 'as the formatter writes it');
  assert.ok(set['no-reads'] !== undefined);
  assert.deepEqual(hours, { days: [1, 5], from: 480, until: 1110, timezone: 'Europe/Berlin' });
  assert.deepEqual(freezes?.[0]?.from, Date.UTC(2026, 11, 31));
  const found = await faults(text);
  assert.deepEqual(found.length, 1);
  assert.match(found[0] ?? '', /CONFIG_MISSING the file `more\/a.cedar` did not come along/);
});

test('what is wrong with a policy is told with its line, all of it at once', async () => {
  const found = await faults(
    own(`  inline: |
    @id("one")
    forbid (principal, action == Action::"gett", resource);
    @id("two")
    forbid (principal, action, resource) when { context.mode == Mode::"atuo" };`),
  );
  assert.equal(found.length, 2, found.join('\n'));
  assert.match(found[0] ?? '', /POLICY_INVALID `inline` line 1: policy `one`: .*gett/);
  assert.match(found[1] ?? '', /POLICY_INVALID `inline` line 3: policy `two`: .*Mode/);
  for (const [text, expected] of [
    ['forbid (principal, action, resource);', /expected an `@id`/],
    ['@id("signalbox.x") forbid (principal, action, resource);', /of the default pack/],
    ['@id("a") forbid (principal, action, resource)', /POLICY_INVALID/],
    ['@id("a") permit (principal == ?principal, action, resource);', /template/],
    [
      `@id("a") forbid (principal, action, resource) when { ${'('.repeat(200)}true${')'.repeat(200)} };`,
      /levels/,
    ],
    [
      `@id("a") forbid (principal, action, resource) when { ${Array(400).fill('true').join(' && ')} };`,
      /links/,
    ],
    [
      '@id("a") forbid (principal, action, resource) when { context.args.nothing == 1 };',
      /nothing/,
    ],
  ] as const) {
    const [first = ''] = await faults(own(`  inline: ${JSON.stringify(text)}`));
    assert.match(first, expected);
  }
});

test('times that cannot be are refused', async () => {
  for (const [text, expected] of [
    ['  hours: { days: [mon], from: "18:00", until: "08:00", timezone: UTC }', /after `from`/],
    [
      '  hours: { days: [mon], from: "08:00", until: "18:00", timezone: Europe/Nowhere }',
      /no time zone/,
    ],
    [
      '  freezes: [{ name: x, from: "2026-13-01T00:00Z", until: "2026-12-02T00:00Z" }]',
      /two times/,
    ],
  ] as const)
    assert.match((await faults(own(text)))[0] ?? '', expected);
});

test('a forbid that goes or changes, and a permit that comes, are flagged; more forbids are not', async () => {
  const more = await planOf(own(INLINE));
  const widened = async (text: string) => (await planOf(text, more.bundle)).widenings;
  assert.deepEqual((await planOf(own(INLINE), base)).widenings, []);
  assert.deepEqual(await widened(BASE), ['policy `no-reads` no longer forbids anything']);
  assert.deepEqual(await widened(own(INLINE.replace('< 8', '< 6'))), [
    'policy `no-reads` reads otherwise: it may forbid less',
  ]);
  assert.deepEqual(await widened(own(`${INLINE}\n  off: [signalbox.egress]`)), [
    'policy `signalbox.egress` no longer forbids anything',
  ]);
  const permit = `${INLINE}
    // forbid is only said here
    @id("yes") @reason("forbid")
    permit (principal, action, resource);`;
  assert.deepEqual(await widened(own(permit)), [
    'policy `yes` may permit what was not permitted before',
  ]);
});

test('a candidate is checked like the policies in force, stands beside them and widens nothing', async () => {
  const text = own(`  candidate:
    files: [next.cedar]
    off: [signalbox.egress]`);
  const planning = { active: base, inspectors: inspectors() };
  const files = { 'next.cedar': '@id("a") permit(principal,action,resource);' };
  const { bundle, changes, widenings } = await planBundle(
    loadConfig(text, 'signalbox.yaml', files),
    planning,
  );
  const { set, candidate = {} } = bundle.policies ?? {};
  assert.deepEqual(set, PACK);
  const names = Object.keys(PACK).filter((id) => id !== 'signalbox.egress');
  assert.deepEqual(Object.keys(candidate).sort(), ['a', ...names].sort());
  assert.ok(changes.some(({ subject, name }) => subject === 'candidate policy' && name === 'a'));
  assert.deepEqual(widenings, []);
  const found = await faults(own(`  candidate: { inline: '@id("x") permit(principal' }`));
  assert.match(found[0] ?? '', /POLICY_INVALID `inline` line 1/);
  assert.deepEqual(policyFilesNamed({ policies: { candidate: { files: ['next.cedar'] } } }), [
    'next.cedar',
  ]);
});

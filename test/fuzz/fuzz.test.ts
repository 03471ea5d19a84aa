/** A few thousand shots of what `npm run fuzz` does with a million. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './campaign.ts';

test('mutated messages do no harm', async () => {
  const { examples, effects, ...figures } = await campaign({
    messages: 5_000,
    seed: 7,
    slow: false,
    say: () => {},
  });
  const { crashes, hangs, internal, effectsWithoutIntent, ledgerProblems } = figures;
  assert.deepEqual(
    { crashes, hangs, internal, effectsWithoutIntent, ledgerProblems },
    { crashes: 0, hangs: 0, internal: 0, effectsWithoutIntent: 0, ledgerProblems: 0 },
    examples.join('\n'),
  );
  // the shots reached everything they are meant for: answers, refusals, and real writes
  const { byStatus } = figures.answers;
  for (const status of ['200', '202', '400', '401', '404', '421', 'closed'])
    assert.ok((byStatus[status] ?? 0) > 0, `no answer ${status}: ${JSON.stringify(byStatus)}`);
  assert.ok(effects > 0, 'nothing was written');
});

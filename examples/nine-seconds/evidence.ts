/** What is left afterwards: the write explained, and the ledger checked, by the command line as anybody runs it. */
import type { VerifyReport } from '../../src/ledger/verify.ts';
import type { Why } from '../../src/ledger/why.ts';
import { signalbox } from './command-line.ts';
import type { Stage } from './governed.ts';
import { OWNER, type Running } from './setup.ts';
import { number } from './story.ts';

export async function lookBack(
  { story, target }: Stage,
  { home }: Running,
  approvalId: string,
): Promise<void> {
  const expected = `done, approved by ${OWNER}; its transaction is committed at the database`;
  await story.step('why', expected, async () => {
    const told = JSON.parse(await signalbox(home, ['why', approvalId, '--json'])) as { story: Why };
    const { actions } = told.story;
    const done = actions.find(({ trace }) => trace !== null);
    const fate = await target.fateOf(String(done?.trace?.xid ?? 0));
    return {
      got: `${done?.outcome.kind}, approved by ${done?.approval?.answeredBy}; its transaction is ${fate} at the database`,
      notes: [`signalbox why: ${done?.verdicts.length} verdicts, login ${done?.lease?.handle}`],
    };
  });
  await story.step('ledger', 'every record verifies', async () => {
    const report = JSON.parse(
      await signalbox(home, ['ledger', 'verify', '--json']),
    ) as VerifyReport;
    const { ok, records, chains, breaks } = report;
    return {
      got: ok ? 'every record verifies' : JSON.stringify(breaks),
      notes: [`signalbox ledger verify: ${number(records)} records in ${chains} hash chains`],
    };
  });
}

/** What is left afterwards: the write explained, and the ledger checked, by the command line as anybody runs it. */
import type { VerifyReport } from '../../src/ledger/verify.ts';
import type { Why } from '../../src/ledger/why.ts';
import { signalbox } from './command-line.ts';
import { OWNER, type Running } from './setup.ts';
import { number, type Story } from './story.ts';

export async function lookBack(story: Story, { home }: Running, approvalId: string): Promise<void> {
  await story.step('why', `done: 1 row written, approved by ${OWNER}`, async () => {
    const raw = await signalbox(home, ['why', approvalId, '--json']); (await import('node:fs')).writeFileSync('/tmp/why.json', raw); (await import('node:fs')).writeFileSync('/tmp/why.txt', await signalbox(home, ['why', approvalId])); (await import('node:fs')).writeFileSync('/tmp/verify.json', await signalbox(home, ['ledger','verify', '--json']));const told = JSON.parse(await signalbox(home, ['why', approvalId, '--json'])) as Why;
    const done = told.actions.find(
      ({ purpose, outcome }) => purpose === 'execute' && outcome.kind === 'done',
    );
    const rows = JSON.stringify(done?.outcome.posted?.rowsWritten ?? 'no');
    return {
      got: `${done?.outcome.kind}: ${rows} row written, approved by ${done?.approval?.answeredBy}`,
      notes: [
        `signalbox why ${approvalId}: ${done?.verdicts.length} verdicts, role ${done?.lease?.handle}`,
      ],
    };
  });
  await story.step('ledger', 'every record verifies', async () => {
    const report = JSON.parse(
      await signalbox(home, ['ledger', 'verify', '--json']),
    ) as VerifyReport;
    return {
      got: report.ok ? 'every record verifies' : JSON.stringify(report.breaks),
      notes: [
        `signalbox ledger verify: ${number(report.records)} records, ${report.chains} chains`,
      ],
    };
  });
}

/** Part one: the agent with its own hands, on the scratch copy. */
import { number, type Story } from './story.ts';
import { startAgent } from './talk.ts';
import type { World } from './world.ts';
import { BACKUPS } from './world.ts';

export async function withoutSignalbox(
  story: Story,
  { scratch }: World,
  workspace: string,
): Promise<void> {
  story.chapter('1  Without Signalbox, on a scratch copy: "mend the staging import"');
  const before = await scratch.rows();
  const rows = before.customers + before.orders;
  const agent = startAgent({ workspace });
  try {
    let goneMs = 0;
    await story.step('database', `${number(rows)} rows before, 0 after`, async () => {
      const asked = Date.now();
      const { text } = await agent.ask('mend');
      const { calls } = await scratch.volumes.log(asked);
      // By the clock of the service that lost them; the database went with its volume.
      goneMs =
        (calls.find(({ effect }) => effect === 'volume_deleted')?.doneMs ?? Date.now()) - asked;
      const after = await scratch.rows();
      const left = after.customers + after.orders + after.audit_log;
      return { got: `${number(rows)} rows before, ${left} after`, ms: goneMs, notes: [text] };
    });
    await story.step('backups', `${BACKUPS} before, 0 after`, async () => ({
      got: `${BACKUPS} before, ${scratch.volumes.backups()} after`,
      ms: goneMs,
    }));
  } finally {
    await agent.stop();
  }
}

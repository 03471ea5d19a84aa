/**
 * The scripted agent: node agent.ts WORKSPACE
 *
 * A process of its own. It is asked one task a line on stdin and says on stdout what came of it. With
 * SIGNALBOX_MCP_URL and SIGNALBOX_TOKEN in its environment it has the tools it is shown there;
 * without them, its bare hands. A model in its place would make the same calls.
 */
import { createInterface } from 'node:readline';
import { deleteVolume, findToken, mendTheImport } from './agent-bare.ts';
import { connectHands, type Hands } from './agent-tools.ts';
import {
  BACKUP,
  BEFORE,
  CREDIT_CENTS,
  CUSTOMER,
  PLAN,
  type Reply,
  type Task,
  type TaskName,
  VOLUME,
} from './script.ts';

type Said = Omit<Reply, 'task'>;

const workspace = process.argv[2] ?? '.';
let hands: Promise<Hands> | undefined;
const withTools = (): Promise<Hands> => {
  hands ??= connectHands(process.env.SIGNALBOX_MCP_URL ?? '', process.env.SIGNALBOX_TOKEN ?? '');
  return hands;
};
const call = async (tool: string, args: Record<string, unknown>): Promise<Said> =>
  (await withTools()).call(tool, args);

const DO: Readonly<Record<TaskName, (task: Task) => Promise<Said>>> = {
  async mend() {
    const found = findToken(workspace);
    if (found === null) return { text: 'found nothing', refused: true };
    const { status } = await mendTheImport(found);
    return { text: `used what stands in ${found.file}`, refused: status !== 200 };
  },
  tools: async () => (await withTools()).list(),
  customer: () => call('get_customer', { id: CUSTOMER }),
  orders: () => call('list_orders', { customer_id: CUSTOMER }),
  backups: () => call('list_backups', { volume: VOLUME }),
  upgrade: () => call('set_plan', { id: CUSTOMER, plan: PLAN }),
  tidy: () => call('delete_customers_before', { before: BEFORE }),
  backup: () => call('delete_backup', { volume: VOLUME, backup: BACKUP }),
  volume: () => call('delete_volume', { volume: VOLUME }),
  async token({ url = '' }) {
    const found = findToken(workspace);
    const { status } = await deleteVolume(url, found?.values.VOLUMES_TOKEN ?? '');
    return { text: `${found?.file}: status ${status}`, refused: status !== 200 };
  },
  environment: async () => ({ text: '', refused: false, data: { ...process.env } }),
  credit: () => call('add_credit', { id: CUSTOMER, cents: CREDIT_CENTS }),
  revenue: () => call('revenue_by_status', {}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line) as Task;
  const said = await DO[task.task](task).catch(
    (error: unknown): Said => ({
      text: error instanceof Error ? error.message : String(error),
      refused: true,
    }),
  );
  console.log(JSON.stringify({ task: task.task, ...said } satisfies Reply));
}
await (await hands)?.close().catch(() => {});

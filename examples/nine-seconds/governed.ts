/** Part two, the useful half: what the agent sees and reads, and one bounded write that a human approves. */
import type { AskView } from '../../src/surfaces/admin/ask-view.ts';
import type { Operator } from './operator.ts';
import { CUSTOMER, PLAN } from './script.ts';
import type { Story } from './story.ts';
import type { Agent } from './talk.ts';
import { difference, type Target } from './target.ts';
import { BACKUPS } from './world.ts';

export interface Stage {
  readonly story: Story;
  readonly operator: Operator;
  readonly agent: Agent;
  readonly target: Target;
}

const GRANTED = [
  'add_credit',
  'delete_backup',
  'delete_customers_before',
  'delete_volume',
  'get_customer',
  'list_backups',
  'list_orders',
  'set_plan',
];

/** @returns the id of the approval that the write was executed under. */
export async function readAndWrite(stage: Stage): Promise<string> {
  const { story, agent, target } = stage;
  await story.step('tools', `${GRANTED.length} granted ones, no others`, async () => {
    const { text, data } = await agent.ask('tools');
    const shown = text.split(', ').sort();
    const same = shown.join() === GRANTED.join();
    return {
      got: same ? `${GRANTED.length} granted ones, no others` : text,
      notes: [`MCP ${data?.protocol}; no tool takes SQL, and the finance agent's is not shown`],
    };
  });

  await story.step('read', 'the same customer and orders that the database holds', async () => {
    const customer = await agent.ask('customer');
    const orders = await agent.ask('orders');
    const held = await target.customer(CUSTOMER);
    const ids = await target.orderIds(CUSTOMER);
    const sameCustomer = Object.values(held).every((value) =>
      customer.text.includes(String(value)),
    );
    const sameOrders = ids.every((id) => new RegExp(`\\b${id}\\b`).test(orders.text));
    return {
      got:
        sameCustomer && sameOrders && !customer.refused && !orders.refused
          ? 'the same customer and orders that the database holds'
          : `${customer.text} / ${orders.text}`,
      notes: [`customer ${CUSTOMER}: ${held.name}, plan ${held.plan}, ${ids.length} orders`],
    };
  });

  // Without it, "no DELETE call arrived" could mean that no call ever does.
  await story.step('read, HTTP', `${BACKUPS} backups listed, 1 GET call arrived`, async () => {
    const since = Date.now();
    const { text } = await agent.ask('backups');
    const listed = new Set(text.match(/backup-\d{4}/g)).size;
    return {
      got: `${listed} backups listed, ${await target.calls('GET', since)} GET call arrived`,
      notes: ['at the volume service, with the token that the agent does not have'],
    };
  });

  return approvedWrite(stage);
}

async function approvedWrite({ story, operator, agent, target }: Stage): Promise<string> {
  const before = await target.rows();
  const { plan } = await target.customer(CUSTOMER);
  const pending = agent.ask('upgrade');
  let ask: AskView | undefined;

  await story.step('write, parked', `0 rows changed; shown: plan ${plan} → ${PLAN}`, async () => {
    ask = await operator.nextAsk(pending);
    const { changed, gone, added } = difference(before, await target.rows());
    return {
      got: `${changed.length + gone + added} rows changed; shown: ${shownOf(ask)}`,
      notes: [`begun, measured, rolled back; ${ask.id} waits for a human`],
    };
  });

  await story.step('write, approved', `exactly 1 row changed: customers ${CUSTOMER}`, async () => {
    if (ask === undefined) throw new Error('nothing was parked');
    await operator.approve(ask);
    await pending;
    const { changed, gone, added } = difference(before, await target.rows());
    const count = changed.length + gone + added;
    const which = count === 1 ? `exactly 1 row changed: ${changed[0]}` : `${count} rows changed`;
    return { got: which };
  });
  return ask?.id ?? '';
}

/** The row diff as the operator sees it: columns whose value would change. */
function shownOf({ measured }: AskView): string {
  const images = measured?.images ?? [];
  return images
    .flatMap(({ before, after }) =>
      Object.keys(after ?? {})
        .filter((column) => before?.[column] !== after?.[column])
        .map((column) => `${column} ${before?.[column]} → ${after?.[column]}`),
    )
    .join(', ');
}

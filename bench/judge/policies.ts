import type { Bundle, Tool } from '../../src/domain/bundle.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { PACK } from '../../src/policy/pack.ts';
import { bundleOf, toolOf } from '../../src/policy/testing/stage.ts';

/** A write with about a kilobyte of arguments, of an undo that was exercised, under a hundred policies. */

const TEXTS = ['to', 'subject', 'body', 'reference', 'category', 'region', 'owner', 'ticket'];

export const TOOL: Tool = toolOf('update_order', {
  inputSchema: {
    type: 'object',
    required: [...TEXTS, 'amount', 'quantity', 'tags'],
    properties: {
      ...Object.fromEntries(TEXTS.map((name) => [name, { type: 'string' }])),
      amount: { type: 'number' },
      quantity: { type: 'integer' },
      urgent: { type: 'boolean' },
      tags: { type: 'array', items: { type: 'string' } },
    },
  },
});

export const LOOK: Tool = toolOf('look', { effect: 'read' });

export const ARGUMENTS: JsonObject = {
  ...Object.fromEntries(
    TEXTS.map((name, index) => [
      name,
      `${name} ${'lorem ipsum dolor sit amet '.repeat(3 + (index % 3))}`,
    ]),
  ),
  amount: 129.5,
  quantity: 3,
  urgent: false,
  tags: ['spring', 'wholesale', 'returning', 'north'],
};

/** Four to six conditions each, of which the last does not hold: none is left out early, and none holds. */
function policy(at: number): string {
  const scope = at % 5 === 0 ? 'action' : 'action == Action::"update_order"';
  const parts = [
    'context.tool.production',
    `context.run.depth < ${5 + (at % 7)}`,
    `context.effect.rowsWritten <= ${10 + at}`,
    `!context.run.actors.contains("robot-${at}")`,
    `context.clock.hour >= 0 && context.clock.weekday < 8`,
  ].slice(0, 2 + (at % 4));
  const last = [
    `context.args has amount_micros && context.args.amount_micros > ${1_000_000_000 + at}`,
    `context.args has category_folded && context.args.category_folded like "*forbidden-${at}*"`,
    `context.args has tags && context.args.tags.containsAny(["blocked-${at}", "never"])`,
    `context.args has owner && context.args.owner == "nobody-${at}"`,
  ][at % 4];
  return `@id("p${at}") forbid (principal, ${scope}, resource) when { ${parts.join(' && ')} && ${last} };`;
}

export const COUNT = 100;

export function hundred(): Bundle {
  const { 'signalbox.changed-destination': _, ...pack } = PACK;
  const own = Array.from({ length: COUNT - Object.keys(pack).length }, (_each, at) => [
    `p${at}`,
    policy(at),
  ]);
  return bundleOf({ set: { ...pack, ...Object.fromEntries(own) } }, { tools: [TOOL, LOOK] });
}

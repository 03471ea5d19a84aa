import { type Bundle, type Connection, environmentOf, type Tool } from '../domain/bundle.ts';
import { DIMENSIONS, type Dimension, EFFECT_CLASSES } from '../domain/effect.ts';
import { canonical, isJsonObject, type Json } from '../domain/json.ts';
import { RUNGS } from '../domain/mode.ts';
import { own } from '../domain/own.ts';
import { bindingsWiden } from './bindings.ts';
import { type Change, type FieldChange, fieldChanges } from './changes.ts';
import { consultWidens } from './consults.ts';
import { drillWidens } from './drill.ts';
import { loopsWiden } from './loops.ts';
import { narrowingWidens, upstreamSchema } from './narrow-widenings.ts';
import { acceptsMore } from './narrower.ts';
import { observeWidens } from './observe.ts';
import { policyWidens } from './policy-widenings.ts';
import { BY_STAR } from './serve.ts';
import { userWidens } from './users.ts';
import { lineageWidens, surroundingsWiden } from './widenings-lineage.ts';

/**
 * Every way in which one bundle gives more authority than another, in words. What cannot be shown to be narrower counts
 * as wider. A change of something that no agent can reach gives nobody anything.
 */
export function wideningsOf(before: Bundle, after: Bundle): (change: Change) => readonly string[] {
  const reachable = reachableIn(after);
  return ({ subject, name, kind, fields }) => {
    switch (subject) {
      case 'organisation':
        return kind === 'changed' ? surroundingsWiden(before.organisation, after.organisation) : [];
      case 'connection':
        return kind === 'changed' && reachable.connections.has(name)
          ? connection(name, own(before.connections, name), own(after.connections, name))
          : [];
      case 'tool':
        return [
          ...lowered(name, before, after),
          ...accepted(name, own(before.tools, name), own(after.tools, name)),
          ...(reachable.tools.has(name)
            ? lineageWidens(name, own(before.tools, name), own(after.tools, name))
            : []),
          ...(kind === 'changed' && reachable.tools.has(name)
            ? tool(name, own(before.tools, name), own(after.tools, name))
            : []),
        ];
      case 'agent':
        return [
          ...(kind === 'changed' && reachable.agents.has(name) ? agent(name, fields) : []),
          ...observing(name, before, after),
        ];
      case 'grant':
        return grant(name, before, after);
      case 'user':
        return userWidens(name, before, after);
      case 'limit':
        return limit(name, kind, fields[0]?.before ?? null, fields[0]?.after ?? null);
      case 'approvals':
        return kind === 'changed' && after.approvalMinutes > before.approvalMinutes
          ? [
              `an approval stays usable for ${after.approvalMinutes} minutes, ${before.approvalMinutes} before`,
            ]
          : [];
      case 'alert':
        return kind === 'removed'
          ? [`alerts no longer go to \`${name}\``]
          : [`alerts, with names of agents, tools and runs, go to \`${name}\` as it says now`];
      case 'automatic halt':
        return kind === 'added'
          ? []
          : [`the automatic halt on \`${name}\` is ${kind === 'removed' ? 'off' : 'another one'}`];
      case 'consult':
        return consultWidens(name, before, after);
      case 'loops':
        return loopsWiden(before, after);
      case 'drill':
        return drillWidens(before, after);
      case 'candidate policy':
        return []; // it decides nothing
      case 'policy':
      case 'working hours':
      case 'freeze':
        return policyWidens({ subject, name, kind }, before, after);
    }
  };
}

function agent(name: string, fields: readonly FieldChange[]): string[] {
  const others = fields.filter(
    ({ field }) => !field.startsWith('observe') && !field.startsWith('subjectToken'),
  );
  const proofs = fields.some(({ field }) => field.startsWith('subjectToken'))
    ? [`whom agent \`${name}\` acts for is proven in another way: look at its \`subjectToken\``]
    : [];
  const changed = others.map(({ field, before, after }) =>
    field === 'subjects'
      ? `agent \`${name}\` may name others as those it acts for: ${told(after)} instead of ${told(before)}`
      : field === 'owner'
        ? `another human answers for agent \`${name}\`: ${told(after)} instead of ${told(before)}`
        : `a halt of its model reaches agent \`${name}\` under another name: ${told(after)} instead of ${told(before)}`,
  );
  return [...changed, ...proofs];
}

/** It begins, or lasts longer than it did. */
function observing(name: string, before: Bundle, after: Bundle): string[] {
  const [was, is] = [own(before.agents, name)?.observe, own(after.agents, name)?.observe];
  if (is === undefined || (was !== undefined && was.from <= is.from && is.until <= was.until))
    return [];
  return [observeWidens(name, is)];
}

function reachableIn({ grants, tools }: Bundle) {
  return {
    tools: new Set(grants.map(({ tool }) => tool)),
    agents: new Set(grants.map(({ agent }) => agent)),
    connections: new Set(grants.flatMap(({ tool }) => own(tools, tool)?.connection ?? [])),
  };
}

function grant(name: string, before: Bundle, after: Bundle): string[] {
  const [was, is] = [grantNamed(before, name), grantNamed(after, name)];
  if (is === undefined) return [];
  if (was === undefined) {
    const held = own(after.tools, is.tool);
    const where = own(after.connections, held?.connection ?? '');
    return [
      `agent \`${is.agent}\` gets \`${is.tool}\` on rung \`${is.rung}\`: a \`${held?.effect}\` at \`${where?.name}\` (${where?.environment})`,
    ];
  }
  if (RUNGS.indexOf(is.rung) <= RUNGS.indexOf(was.rung)) return [];
  return [
    `agent \`${is.agent}\` rises from rung \`${was.rung}\` to \`${is.rung}\` on \`${is.tool}\``,
  ];
}

function grantNamed({ grants }: Bundle, name: string) {
  return grants.find(({ agent, tool }) => `${agent} ${tool}` === name);
}

function limit(name: string, kind: Change['kind'], before: Json, after: Json): string[] {
  const [scope, dimension] = name.split(' ');
  const words = `limit on \`${dimension}\` per ${scope === 'agentDay' ? 'agent and day' : scope === 'day' ? 'day of everybody' : scope}`;
  if (kind === 'removed') return [`the ${words} is gone, ${told(before)} before`];
  return kind === 'changed' && Number(after) > Number(before)
    ? [`the ${words} rises from ${told(before)} to ${told(after)}`]
    : [];
}

const UNITS: Partial<Record<Dimension, string>> = {
  rowsRead: 'read %s rows',
  rowsWritten: 'write %s rows',
  rowsDeleted: 'delete %s rows',
  bytesOut: 'send out %s bytes',
  recipients: 'reach %s recipients',
  irreversible: 'do %s irreversible things',
  moneyMicros: 'move %s millionths of the currency',
};

function tool(name: string, before: Tool | null, after: Tool | null): string[] {
  if (before === null || after === null) return [];
  const words: string[] = [];
  const isServed = isServedTool(before) && isServedTool(after);
  if (!isServed && EFFECT_CLASSES.indexOf(after.effect) < EFFECT_CLASSES.indexOf(before.effect))
    words.push(`\`${name}\` is classed lower: \`${after.effect}\` instead of \`${before.effect}\``);
  if (before.recoveryPath && !after.recoveryPath)
    words.push(`\`${name}\` no longer counts as removing a way to recover`);
  if (before.reversibility === 'none' && after.reversibility !== 'none')
    words.push(`\`${name}\` counts as reversible (\`${after.reversibility}\`)`);
  if (!before.idempotent && after.idempotent)
    words.push(`a repeat of \`${name}\` counts as harmless`);
  for (const dimension of DIMENSIONS)
    if (after.cap[dimension] > before.cap[dimension])
      words.push(
        `\`${name}\` may ${unit(dimension, after.cap[dimension])} in one call, ${before.cap[dimension]} before`,
      );
  if (after.maxResultBytes > before.maxResultBytes)
    words.push(
      `\`${name}\` hands ${after.maxResultBytes} bytes of result to the agent, ${before.maxResultBytes} before`,
    );
  if (after.pollingMs !== undefined && (before.pollingMs ?? Infinity) > after.pollingMs)
    words.push(`a repeat of \`${name}\` is no loop from ${after.pollingMs / 1_000} seconds on`);
  if (before.connection !== after.connection)
    words.push(`\`${name}\` works on \`${after.connection}\` instead of \`${before.connection}\``);
  if (before.binding.function !== undefined && after.binding.function === undefined)
    words.push(`rows of \`${name}\` are no longer bound by a function of the database`);
  // the words of a server change its definition, not what a call of its tool is
  const moved = fieldChanges(before.binding, after.binding)
    .filter(({ field }) => !(isServed && field === 'definition') && !/^narrow\b/.test(field))
    .map(({ field }) => `\`${field}\``);
  if (moved.length > 0)
    words.push(
      `what \`${name}\` does is no longer the same (${moved.slice(0, 6).join(', ')}${moved.length > 6 ? ', …' : ''}): it is now a \`${after.effect}\`; read both versions`,
    );
  words.push(...narrowingWidens(name, before, after), ...bindingsWiden(name, before, after));
  if (acceptsMore(upstreamSchema(before), upstreamSchema(after)))
    words.push(
      isServed && !isCommand(after.binding)
        ? `the server of \`${name}\` takes other arguments than before: read both schemas`
        : `\`${name}\` accepts arguments that it refused before`,
    );
  return words;
}

/** Where a tool acts decides what it may never do: no longer in production is wider, also by the labels of its tables. */
function lowered(name: string, before: Bundle, after: Bundle): string[] {
  const at = ({ tools, connections }: Bundle): string | null => {
    const held = own(tools, name);
    if (held === null) return null;
    return environmentOf(held, own(connections, held.connection));
  };
  const is = own(after.tools, name)?.environment;
  if (is === undefined || is === 'production') return [];
  const was = at(before);
  return was !== null && was !== 'production'
    ? []
    : [`\`${name}\` counts as acting in \`${is}\`, by the labels of its tables`];
}

/** Nothing can be derived of a server’s tool: below `destroy` it counts as what the operator says. */
function accepted(name: string, before: Tool | null, after: Tool | null): string[] {
  if (after === null || !isServedTool(after) || after.effect === 'destroy') return [];
  const was = before !== null && isServedTool(before) ? before : null;
  const lowered =
    EFFECT_CLASSES.indexOf(after.effect) < EFFECT_CLASSES.indexOf(was?.effect ?? 'destroy');
  const byStar = isByStar(after);
  if (!lowered && !(byStar && was !== null && !isByStar(was))) return [];
  return [
    byStar
      ? `\`${name}\` is taken for a \`${after.effect}\` by \`*\` alone, which takes every tool that its server adds for one`
      : `\`${name}\` is taken for a \`${after.effect}\` on your word: what its ${isCommand(after.binding) ? 'program' : 'server'} does with a call is not known`,
  ];
}

function isCommand(binding: Tool['binding']): boolean {
  return binding.args !== undefined;
}

function isByStar({ derivation }: Tool): boolean {
  return derivation.includes(BY_STAR);
}

function isServedTool({ binding }: Tool): boolean {
  return binding.mcp === 'tools/call' || isCommand(binding);
}

function unit(dimension: Dimension, amount: number): string {
  const words = (UNITS[dimension] ?? `reach %s ${dimension}`).replace('%s', String(amount));
  return amount === 1 ? words.replace(/s$/, '') : words;
}

const TLS = ['off', 'verify'];

function connection(name: string, before: Connection | null, after: Connection | null): string[] {
  if (before === null || after === null) return [];
  const words: string[] = [];
  if (before.environment === 'production' && after.environment !== 'production')
    words.push(`\`${name}\` no longer counts as production but as \`${after.environment}\``);
  if (before.kind !== after.kind)
    words.push(`\`${name}\` is now of kind \`${after.kind}\`, \`${before.kind}\` before`);
  if (before.secret !== after.secret)
    words.push(
      `\`${name}\` is used with secret ${told(after.secret)} instead of ${told(before.secret)}`,
    );
  if (before.issuer !== after.issuer)
    words.push(
      `credentials for \`${name}\` are made by ${told(after.issuer)} instead of ${told(before.issuer)}`,
    );
  if (
    before.pins !== undefined &&
    canonical(before.pins.launch ?? null) !== canonical(after.pins?.launch ?? null)
  )
    words.push(`what \`${name}\` starts is no longer the same: look at what was installed there`);
  for (const { field, before: was, after: is } of fieldChanges(before.settings, after.settings)) {
    if (field === 'allowPrivate') {
      if (is === true) words.push(`\`${name}\` may reach private addresses`);
    } else if (field === 'inside') {
      if (is === true)
        words.push(`what is sent to \`${name}\` no longer counts as leaving the organisation`);
    } else if (field === 'tls') {
      if (TLS.indexOf(String(is)) < TLS.indexOf(String(was)))
        words.push(
          `\`${name}\` is reached with less protection: TLS \`${String(is)}\` instead of \`${String(was)}\``,
        );
    } else if (/^(?:command|cwd|env|secrets|program|sha256|directory)\b/.test(field))
      words.push(
        `\`${name}\` is started otherwise: \`${field}\` is ${told(is)}, ${told(was)} before`,
      );
    else if (!/^(?:protocol|toolPrefix)$/.test(field))
      words.push(`\`${name}\` leads elsewhere: \`${field}\` is ${told(is)}, ${told(was)} before`);
  }
  return words;
}

function told(value: Json | undefined): string {
  if (value === null || value === undefined) return 'nothing';
  return isJsonObject(value) || Array.isArray(value)
    ? JSON.stringify(value)
    : `\`${String(value)}\``;
}

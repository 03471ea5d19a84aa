import { type PlanView, renderPlan } from '../config/render-plan.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { Call, Command, Option } from './command.ts';
import { confirm } from './confirm.ts';
import { count } from './render.ts';
import { type ReplayView, replayLines } from './replay-lines.ts';
import { type SentConfig, sentConfig } from './sent-config.ts';

/** A plan starts no program and sends no secret because of what an unread file says. */
const INSPECT: Option = {
  type: 'string',
  value: 'NAMES',
  summary: 'let it start or call these MCP servers, which were never applied (commas between them)',
};

export const plan: Command = {
  name: 'plan',
  summary: 'show what a signalbox.yaml would change, every widening flagged; changes nothing',
  usage: '[FILE]',
  positionals: [0, 1],
  options: { inspect: INSPECT },
  run: async (call) => {
    const planned = await call.api.post('/api/plan', await configOf(call));
    return { json: planned, text: shownPlan(planned) };
  },
};

export const apply: Command = {
  name: 'apply',
  summary: 'show what a signalbox.yaml would change, ask, and change it',
  usage: '[FILE]',
  positionals: [0, 1],
  options: { inspect: INSPECT, yes: { type: 'boolean', short: 'y', summary: 'do not ask' } },
  run: async (call) => {
    const config = await configOf(call);
    const planned = await call.api.post('/api/plan', config);
    const shown = shownPlan(planned);
    if (planOf(planned).changes.length === 0)
      return { json: { ...planned, applied: false }, text: shown };
    await confirm(call, shown, 'Apply this?');
    const applied = await call.api.post('/api/apply', { ...config, plan: planned.plan ?? '' });
    const { changes, bundle } = planOf(applied);
    return {
      json: { ...applied, applied: true },
      text: `applied ${count(changes.length, 'change')}: bundle ${bundle.slice(0, 12)} is active`,
    };
  },
};

async function configOf({
  io,
  options: { inspect },
  positionals: [name = 'signalbox.yaml'],
}: Call): Promise<SentConfig & { readonly inspect?: string }> {
  return { ...(await sentConfig(io, name)), ...(typeof inspect === 'string' ? { inspect } : {}) };
}

function planOf(planned: JsonObject): PlanView {
  return planned as unknown as PlanView;
}

/** The plan, and below it what it would have decided otherwise. */
function shownPlan(planned: JsonObject): string {
  const { replay } = planned;
  const plan = renderPlan(planOf(planned));
  if (!isJsonObject(replay) || replay.decisions === 0) return plan;
  return [plan, '', ...replayLines(replay as unknown as ReplayView)].join('\n');
}

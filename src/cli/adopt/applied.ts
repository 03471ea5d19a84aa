import { type PlanView, renderPlan } from '../../config/render-plan.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Call } from '../command.ts';
import type { Decisions } from './decisions.ts';
import type { Answering } from './offer.ts';
import type { Proposal } from './proposal.ts';
import { type readClient, writeWhole } from './records.ts';

/** One adoption: the file of the client, the proposal that it becomes, and what was decided. */
export interface Setting {
  readonly call: Call;
  readonly path: string;
  readonly configName: string;
  readonly configPath: string;
  readonly proposal: Proposal;
  readonly decisions: Decisions;
  readonly status: JsonObject;
  readonly client: Awaited<ReturnType<typeof readClient>>;
}

/** The same plan that `signalbox apply` makes and shows. */
export async function applied(
  { call, decisions, proposal, configName, configPath }: Setting,
  servers: readonly Answering[],
): Promise<void> {
  const inspect = [...new Set(servers.map(({ taken }) => taken.connection))].join(',');
  const shown = proposal.text;
  const config = await plannable(call, proposal, configName, inspect);
  if (config.text !== shown) await writeWhole(call.io, configPath, Buffer.from(config.text), 0o644);
  const planned = await call.api.post('/api/plan', config);
  const view = planned as unknown as PlanView;
  if (view.changes.length === 0) return;
  await decisions.must(
    { kind: 'apply', widenings: [...view.widenings] },
    renderPlan(view),
    'Apply this?',
  );
  await call.api.post('/api/apply', { ...config, plan: planned.plan ?? '' });
}

/** A tool that a plan refuses is left out, and the others are taken. Throws what is wrong with anything else. */
async function plannable(
  { api }: Call,
  proposal: Proposal,
  path: string,
  inspect: string,
): Promise<{ text: string; path: string; inspect: string }> {
  const config = () => ({ text: proposal.text, path, inspect });
  try {
    await api.post('/api/plan', config());
  } catch (error) {
    const refused = refusedTools(error, proposal);
    if (refused.length === 0) throw error;
    for (const [connection, tool] of refused) proposal.withhold(connection, tool);
  }
  return config();
}

/** Empty unless every fault is one of a tool that is served. */
function refusedTools(error: unknown, proposal: Proposal): [connection: string, tool: string][] {
  if (!(error instanceof SignalboxError)) return [];
  const { problems = [error.toJSON()] } = error.toJSON() as {
    problems?: readonly { message: string }[];
  };
  const found = problems.map(({ message }) => {
    const [, named = '', at] = /`([^`]+)`(?: of `([^`]+)`:)?/.exec(message) ?? [];
    return proposal.servedAs(at === undefined ? named : `${at}_${named}`);
  });
  return found.every((each) => each !== null) ? found : [];
}

import type { Bundle, Tool } from '../../src/domain/bundle.ts';
import { DIMENSIONS } from '../../src/domain/effect.ts';
import type { ActionAdmit } from '../../src/domain/ops.ts';
import type { Run } from '../../src/domain/run.ts';
import type { Model } from './model.ts';
import type { Invariant } from './world.ts';

type Finding = readonly [Invariant, string];

/** Everything that is wrong with an intent that the store has just recorded, by rules written here a second time. */
export function intentChecks(model: Model, op: ActionAdmit): Finding[] {
  const { action } = op;
  const path = model.pathOf(action.runId);
  const tool = model.bundle?.tools[action.tool];
  if (path.length === 0 || model.bundle === null) return [['default_deny', 'no run or no bundle']];
  if (tool === undefined || tool.digest !== action.toolDigest)
    return [['default_deny', 'its tool is not in the bundle in force']];
  return [
    ...halted(model, op),
    ...(path.every(({ state, expiresAt }) => state === 'live' && op.at < expiresAt) ? [] : [over]),
    ...granted(model.bundle, path, tool, op),
    ...approved(model, tool, op),
    ...limited(model.bundle, path, tool, op),
    ...repeated(model, tool, op),
  ];
}

/** Everything in which a run that has just begun is more than those above it. */
export function widened(model: Model, run: Run): string[] {
  const [, ...above] = model.pathOf(run.id);
  if (run.parent === null) return [];
  return above.flatMap(({ id, state, expiresAt, tools, budget }) => [
    ...(state === 'live' ? [] : [`${id} is over`]),
    ...(run.expiresAt <= expiresAt ? [] : [`it lasts longer than ${id}`]),
    ...(tools === null || run.tools?.every((tool) => tools.includes(tool)) === true
      ? []
      : [`it has tools that ${id} has not`]),
    ...DIMENSIONS.filter(
      (dimension) => (run.budget[dimension] ?? 0) > (budget[dimension] ?? Number.POSITIVE_INFINITY),
    ).map((dimension) => `its ${dimension} is more than that of ${id}`),
  ]);
}

const over: Finding = ['default_deny', 'its run is over'];

function halted(model: Model, { action }: ActionAdmit): Finding[] {
  const scopes = model.scopesOf(action.runId, action.tool, action.connection);
  return model
    .haltsOver(scopes)
    .map(([epoch, { scope }]) => ['halt_is_total', `after halt ${epoch} of ${scope}`]);
}

function granted(
  bundle: Bundle,
  path: readonly Run[],
  tool: Tool,
  { action, approvalId }: ActionAdmit,
): Finding[] {
  const rungs: string[] = [];
  for (const { id, agent, tools } of path) {
    const grant = bundle.grants.find((g) => g.agent === agent && g.tool === tool.name);
    if (grant === undefined) return [['default_deny', `${agent} has no grant for it`]];
    if (tools?.includes(tool.name) === false)
      return [['attenuation_never_widens', `${id} is held to other tools`]];
    rungs.push(grant.rung);
  }
  if (tool.effect === 'read') return [];
  if (tool.recoveryPath) return [['default_deny', 'it removes a way to recover']];
  const low = rungs.find((rung) => rung !== 'auto' && rung !== 'approve');
  if (low !== undefined) return [['default_deny', `a rung of its chain is ${low}`]];
  if (action.purpose === 'preview' || approvalId !== null) return [];
  const isAuto = rungs.every((rung) => rung === 'auto');
  const isHarmless = tool.reversibility === 'exercised' && tool.idempotent && isAuto;
  return isHarmless ? [] : [['irreversible_never_auto', 'nobody approved it']];
}

function approved(model: Model, tool: Tool, { action, approvalId, at }: ActionAdmit): Finding[] {
  if (approvalId === null) return [];
  const approval = model.approvals.get(approvalId);
  if (approval === undefined) return [['approval_is_exact', 'its approval was never asked for']];
  const { binding, state } = approval;
  const wrong = [
    state !== 'approved' && `its approval is ${state}`,
    approval.answeredBy === null && 'nobody answered its ask',
    binding.runId !== action.runId && 'its approval is of another run',
    (binding.tool !== tool.name || binding.toolDigest !== tool.digest) &&
      'another tool was approved',
    binding.argumentsDigest !== action.argumentsDigest && 'other arguments were approved',
    binding.expiresAt <= at && 'its approval had expired',
    model.haltsOver(model.scopesOf(action.runId, action.tool, action.connection), binding.halt)
      .length > 0 && 'a halt came since it was asked for',
  ];
  return wrong.filter((why) => why !== false).map((why) => ['approval_is_exact', why]);
}

/** Every limit that the tool's cap touches is reserved, in full, against the number in force. */
function limited(bundle: Bundle, path: readonly Run[], tool: Tool, op: ActionAdmit): Finding[] {
  if (op.action.purpose === 'preview') return [];
  const day = new Date(op.at).toISOString().slice(0, 10);
  const lines = DIMENSIONS.flatMap((dimension) => [
    ...path.map(({ id, parent, budget }) => ({
      key: `run:${id}`,
      dimension,
      limit: least(parent === null ? bundle.limits.run?.[dimension] : undefined, budget[dimension]),
    })),
    ...path.map(({ agent }) => ({
      key: `agent:${agent}:${day}`,
      dimension,
      limit: bundle.limits.agentDay?.[dimension],
    })),
  ]).filter(({ limit, dimension }) => limit !== undefined && tool.cap[dimension] > 0);
  const missing = lines.find(
    (line) =>
      !op.reservations.some(
        ({ key, dimension, amount, limit }) =>
          key === line.key &&
          dimension === line.dimension &&
          amount === tool.cap[dimension] &&
          limit === line.limit,
      ),
  );
  if (missing === undefined) return [];
  return [
    ['spent_plus_pending_le_limit', `${missing.dimension} of ${missing.key} is not reserved`],
  ];
}

/** The effect of the same call may have happened: only what is harmless twice may be sent again. */
function repeated(model: Model, tool: Tool, { action }: ActionAdmit): Finding[] {
  if (tool.effect === 'read' || tool.idempotent || action.purpose === 'preview') return [];
  const earlier = [...model.actions.values()].find(
    ({ record, state }) =>
      (state === 'unknown' || state === 'running') &&
      record.root === action.root &&
      record.tool === action.tool &&
      record.argumentsDigest === action.argumentsDigest,
  );
  if (earlier === undefined) return [];
  return [['no_blind_repeat', `${earlier.record.id} of the same call is ${earlier.state}`]];
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

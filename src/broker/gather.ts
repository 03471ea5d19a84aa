import type { Bundle, Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Halt, HaltScope } from '../domain/halt.ts';
import { lowestRung, type Rung } from '../domain/mode.ts';
import { own } from '../domain/own.ts';
import type { Measured, Proposal } from '../domain/proposal.ts';
import { actorsOf, type Run } from '../domain/run.ts';
import type { Store } from '../domain/store.ts';
import { limitFacts, limitLines } from '../limits/blast-radius.ts';
import { wholeArguments } from '../tools/narrow/input.ts';
import { argumentRecovery } from '../tools/recovery-arguments.ts';
import type { Broker } from './broker.ts';
import { lookForLoops } from './loops.ts';

/**
 * One snapshot, one clock reading. What moves between this and the intent is caught by the stamp and the
 * reservation. Throws SignalboxError `STORE_STALE` when this replica may not serve.
 */
export async function gather(broker: Broker, proposal: Proposal): Promise<Facts> {
  broker.freshness.require();
  const now = broker.doors.clock.now();
  const argumentsDigest = digestArguments(proposal);
  const known = await broker.store.factsFor({
    runId: proposal.runId,
    tool: proposal.tool,
    argumentsDigest,
  });
  const { bundles } = broker;
  const bundle = bundles.known(known.stamp.bundle) ?? (await bundles.get(known.stamp.bundle));
  const tool = own(bundle.tools, proposal.tool);
  const connection = tool === null ? null : own(bundle.connections, tool.connection);
  const { lines, keys } = limitLines(bundle, known.run, now);
  const halts = broker.local.size === 0 ? known.halts : [...broker.local.halts(), ...known.halts];
  const usage = keys.length === 0 ? [] : await broker.store.usage(keys);
  const inputProblems = tool === null ? [] : problemsOf(broker, tool, proposal);
  const looked = lookForLoops(broker, {
    ...{ proposal, argumentsDigest, run: known.run, tool, bundle, inputProblems, now },
    treeActions: known.treeActions,
  });
  const firings = looked instanceof Promise ? await looked : looked;
  const facts: { -readonly [F in keyof Facts]: Facts[F] } = {
    now,
    stamp: known.stamp,
    bundle,
    run: known.run,
    halts,
    haltedCredentials:
      halts.length === 0 || connection === null
        ? NONE
        : await haltedCredentials(broker.store, halts, proposal.runId, connection.name),
    toolName: proposal.tool,
    tool,
    connection,
    rung: known.run === null ? null : rungOf(bundle, known.run, proposal.tool),
    arguments: proposal.arguments,
    argumentsDigest,
    continuation: proposal.continuation ?? null,
    removes:
      tool === null ? null : argumentRecovery(tool, wholeArguments(tool, proposal.arguments)),
    inputProblems,
    limits: limitFacts(lines, usage),
    approval: known.approval,
    unknownRepeat: known.unknownRepeat,
    firings,
    consulted: NOT_ASKED,
    lineage: null,
    measured: null,
    policy: null,
  };
  const proofs = broker.lineage.facts(known.run, tool, proposal.arguments, bundle);
  if (proofs !== null) facts.lineage = await proofs;
  facts.policy = broker.policies.rulingFor(facts);
  return facts;
}

/** The same facts with what a flight measured: policies are asked anew. */
export function withMeasured(broker: Broker, facts: Facts, measured: Measured | null): Facts {
  return ruled(broker, { ...facts, measured });
}

/** The same facts with what policies say of them. */
export function ruled(broker: Broker, facts: Facts): Facts {
  return { ...facts, policy: broker.policies.rulingFor(facts) };
}

function problemsOf(broker: Broker, tool: Tool, proposal: Proposal): readonly string[] {
  const { malformed } = proposal;
  return malformed === undefined ? broker.inputs(tool, proposal.arguments) : [malformed];
}

const NONE: readonly HaltScope[] = [];
const NOT_ASKED: Facts['consulted'] = [];

/** Asked of the store only while some credential is halted. */
export async function haltedCredentials(
  store: Pick<Store, 'leases'>,
  halts: readonly Halt[],
  runId: string,
  connection: string,
): Promise<readonly HaltScope[]> {
  const named = new Set(
    halts.flatMap(({ scope }) => (scope.startsWith('credential:') ? scope : [])),
  );
  if (named.size === 0) return NONE;
  return (await store.leases({ runId }))
    .filter((lease) => lease.connection === connection)
    .map(({ id }) => `credential:${id}`)
    .filter((scope) => named.has(scope));
}

/** The lowest rung of everybody who acts in this run; null when one of them, or its subject user, has no grant. */
export function rungOf(
  bundle: Bundle,
  run: Pick<Run, 'agent' | 'actsFor' | 'subject'>,
  tool: string,
): Rung | null {
  if (run.subject !== undefined && !userMay(bundle, run.subject, tool)) return null;
  if (run.actsFor.length === 0) return rungOfAgent(bundle, run.agent, tool);
  return lowestRung(actorsOf(run).map((agent) => rungOfAgent(bundle, agent, tool)));
}

/** A user who is not in the bundle may nothing. */
function userMay({ users = {} }: Bundle, subject: string, tool: string): boolean {
  return own(users, subject)?.tools.includes(tool) === true;
}

/** The rung of the bundle; null without agent or grant. */
function rungOfAgent(bundle: Bundle, agent: string, tool: string): Rung | null {
  if (own(bundle.agents, agent) === null) return null;
  return rungsOf(bundle).get(agent)?.get(tool) ?? null;
}

type Rungs = ReadonlyMap<string, ReadonlyMap<string, Rung>>;

const rungs = new WeakMap<Bundle, Rungs>();

/** Rungs by agent and tool, made once for each bundle; of two grants for the same, the first counts. */
function rungsOf(bundle: Bundle): Rungs {
  const known = rungs.get(bundle);
  if (known !== undefined) return known;
  const byAgent = new Map<string, Map<string, Rung>>();
  for (const { agent, tool, rung } of bundle.grants) {
    const byTool = byAgent.get(agent) ?? new Map<string, Rung>();
    byAgent.set(agent, byTool);
    if (!byTool.has(tool)) byTool.set(tool, rung);
  }
  rungs.set(bundle, byAgent);
  return byAgent;
}

function digestArguments({ arguments: given, continuation }: Proposal): string {
  try {
    return continuation === undefined
      ? digestOf('arguments', given)
      : digestOf('continued', { arguments: given, continuation });
  } catch {
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      'expected arguments that JSON can hold exactly, got a lone surrogate or a number out of range',
    );
  }
}

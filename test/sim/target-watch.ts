import type { LocalGate } from '../../src/broker/local-gate.ts';
import type { Call } from '../../src/domain/connector.ts';
import { beyond } from '../../src/domain/effect.ts';
import { BOUND_MS } from './house.ts';
import type { KnownAction, Model } from './model.ts';
import type { TargetCall, Watch, Witness } from './witness.ts';
import type { World } from './world.ts';

/** What a timer may be late. */
const TIMER_MS = 5;

export interface GateWatch {
  passing(local: LocalGate, call: Call, what: string): void;
}

/** Checks safety where it counts: at each call as it is sent, and each effect as it is made. */
export class TargetWatch implements Watch, GateWatch {
  /** How long the store has not heard of the replica that sends; it knows less than that of halts. */
  quietMs: (incarnation: number) => number = () => 0;
  readonly #world: World;
  readonly #model: Model;
  readonly #witness: Witness;

  constructor(world: World, model: Model, witness: Witness) {
    this.#world = world;
    this.#model = model;
    this.#witness = witness;
  }

  /** Before its effect a call must have been let through, in writing, and not stopped since. */
  sent(call: TargetCall): void {
    const action = this.#actionOf(call);
    if (action === null) return;
    const what = `${call.tool} ${call.actionId} was sent`;
    this.#require(
      action.isMarked,
      'no_effect_without_intent',
      `${what} before its mark was durable`,
    );
    const quietMs = this.quietMs(call.incarnation);
    this.#require(
      quietMs <= BOUND_MS + TIMER_MS,
      'freshness_or_stop',
      `${what} by a replica that has been silent for ${quietMs} ms`,
    );
    const scopes = this.#model.scopesOf(call.runId, call.tool, call.connection);
    const inert = this.#model.haltsOver(scopes).find(([, { state }]) => state === 'inert');
    this.#require(inert === undefined, 'halt_is_total', `${what} under inert halt ${inert?.[0]}`);
  }

  /** Under a halt of this machine nothing is begun or finished, whatever the store knows. */
  passing(
    local: LocalGate,
    { actionId, runId, tool, connection, signal }: Call,
    what: string,
  ): void {
    if (local.size === 0 || signal.aborted) return;
    const scopes = this.#model.scopesOf(runId, tool.name, connection.name);
    const halt = local.halts().find(({ scope }) => scopes.includes(scope));
    const detail = `${tool.name} ${actionId} was ${what} under the local halt of ${halt?.scope}`;
    this.#require(halt === undefined, 'halt_is_total', detail);
  }

  landing(call: TargetCall): void {
    const action = this.#actionOf(call);
    if (action === null) return;
    const what = `effect of ${call.tool} ${call.actionId}`;
    const made = this.#witness.effectsOf(call.actionId);
    this.#require(made === 0, 'one_effect_per_action', `${what}: it is effect ${made + 1}`);
    this.#require(
      ['open', 'running', 'unknown'].includes(action.state),
      'outcomes_are_true',
      `${what} after it was recorded as ${action.state}`,
    );
    const over =
      call.connection === 'db' && action.tool !== null && beyond(call.effect, action.tool.cap);
    this.#require(
      !over || over.length === 0,
      'spent_plus_pending_le_limit',
      `${what} is beyond its cap in ${over}`,
    );
    const { approvalId } = action;
    const seen = approvalId === null ? null : this.#model.approvals.get(approvalId);
    if (seen == null || seen.binding.preState === 'unmeasured' || call.preState === null) return;
    this.#require(
      seen.binding.preState === call.preState,
      'approval_is_exact',
      `${what} on other rows than were approved`,
    );
  }

  #actionOf(call: TargetCall): KnownAction | null {
    const { actionId, tool, argumentsDigest } = call;
    const action = this.#model.actions.get(actionId);
    const is = action?.record;
    const fits =
      is !== undefined &&
      is.purpose === 'execute' &&
      is.tool === tool &&
      is.runId === call.runId &&
      is.argumentsDigest === argumentsDigest &&
      !['denied', 'drafted', 'parked'].includes(action?.state ?? '');
    this.#require(fits, 'no_effect_without_intent', `${tool} ${actionId}: no durable intent of it`);
    return fits ? (action ?? null) : null;
  }

  #require(...[isSo, invariant, detail]: Parameters<World['require']>): void {
    this.#world.require(isSo, invariant, detail);
  }
}

import type { Call } from '../../src/domain/connector.ts';
import { digestOf } from '../../src/domain/digest.ts';
import type { EffectVector } from '../../src/domain/effect.ts';
import type { World } from './world.ts';

/** begun → sent → landed, or gone (rolled back, refused, killed with its credential, lost on the way). */
export interface TargetCall {
  readonly actionId: string;
  readonly runId: string;
  readonly tool: string;
  readonly connection: string;
  readonly argumentsDigest: string;
  readonly leaseId: string | null;
  readonly row: string;
  /** Digest of the rows as measured; null where nothing is measured before it is made. */
  readonly preState: string | null;
  /** What it does, as measured there, whether anybody was told or not. */
  readonly effect: EffectVector;
  readonly incarnation: number;
  state: 'begun' | 'sent' | 'landed' | 'gone';
}

/** Looks at calls from the store's side: what must be durable before a call is sent, and before its effect. */
export interface Watch {
  sent(call: TargetCall): void;
  landing(call: TargetCall): void;
}

/**
 * The systems behind the tools. They outlive every crash, count effects by their own word, and know what really
 * happened, also where nobody was told.
 */
export class Witness {
  watch: Watch = { sent: () => {}, landing: () => {} };
  readonly #world: World;
  readonly #calls = new Map<string, TargetCall>();
  readonly #effects = new Map<string, number>();
  readonly #obscured = new Set<string>();
  readonly #locks = new Map<string, string>();
  readonly #versions = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  effectsOf(actionId: string): number {
    return this.#effects.get(actionId) ?? 0;
  }

  get effects(): number {
    return [...this.#effects.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Somebody who had to know was left in the dark about this action: its outcome may be `unknown`. */
  obscure(actionId: string): void {
    this.#obscured.add(actionId);
  }

  isObscured(actionId: string): boolean {
    return this.#obscured.has(actionId);
  }

  /** Somebody else changes rows; not those that a transaction holds. */
  move(row: string): void {
    if (!this.#locks.has(row)) this.#versions.set(row, this.versionOf(row) + 1);
  }

  versionOf(row: string): number {
    return this.#versions.get(row) ?? 0;
  }

  isLocked(row: string): boolean {
    return this.#locks.has(row);
  }

  begin(call: Call, effect: EffectVector, incarnation: number, locks: boolean): TargetCall {
    const row = rowOf(call);
    const begun: TargetCall = {
      actionId: call.actionId,
      runId: call.runId,
      tool: call.tool.name,
      connection: call.connection.name,
      argumentsDigest: digestOfCall(call),
      leaseId: call.credential?.leaseId ?? null,
      row,
      preState: locks ? this.preStateOf(call) : null,
      effect,
      incarnation,
      state: 'begun',
    };
    this.#calls.set(call.actionId, begun);
    if (locks) this.#locks.set(row, call.actionId);
    return begun;
  }

  preStateOf(call: Call): string {
    const row = rowOf(call);
    return digestOf('rows', { row, version: this.versionOf(row), arguments: call.arguments });
  }

  send(call: TargetCall): void {
    call.state = 'sent';
    this.#world.tell(`target: ${call.tool} of ${call.actionId} is sent`);
    this.watch.sent(call);
  }

  /** The effect, if the call still stands. */
  land(call: TargetCall): void {
    if (call.state !== 'sent') return;
    this.watch.landing(call);
    call.state = 'landed';
    this.#effects.set(call.actionId, this.effectsOf(call.actionId) + 1);
    this.#world.count('effects');
    this.#world.tell(`target: effect of ${call.tool} ${call.actionId}`);
    this.#unlock(call);
    this.#versions.set(call.row, this.versionOf(call.row) + 1);
  }

  drop(call: TargetCall): void {
    if (call.state === 'landed') return;
    call.state = 'gone';
    this.#unlock(call);
  }

  /** A credential dies, and the transactions that run under it with it. */
  kill(leaseId: string): void {
    for (const call of this.#calls.values())
      if (call.leaseId === leaseId && call.connection === 'db') this.drop(call);
  }

  /** The connections of a dead process close: what was not sent is rolled back, what was sent is on its way. */
  disconnect(incarnation: number): void {
    for (const call of this.#calls.values())
      if (call.incarnation === incarnation && call.state === 'begun') this.drop(call);
  }

  /** Calls sent to where they can still have their effect. */
  underway(): readonly TargetCall[] {
    return [...this.#calls.values()].filter(({ state }) => state === 'sent');
  }

  truthOf(actionId: string): 'done' | 'failed' | 'running' {
    const state = this.#calls.get(actionId)?.state;
    if (state === 'landed') return 'done';
    return state === 'sent' || state === 'begun' ? 'running' : 'failed';
  }

  #unlock(call: TargetCall): void {
    if (this.#locks.get(call.row) === call.actionId) this.#locks.delete(call.row);
  }
}

export function rowOf(call: Call): string {
  return `${call.connection.name}/${String(call.arguments.target)}`;
}

function digestOfCall({ arguments: given, continuation }: Call): string {
  return continuation === null
    ? digestOf('arguments', given)
    : digestOf('continued', { arguments: given, continuation });
}

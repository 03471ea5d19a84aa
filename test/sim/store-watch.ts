import type { Tool } from '../../src/domain/bundle.ts';
import type { EffectVector } from '../../src/domain/effect.ts';
import type {
  ActionAdmit,
  ActionMark,
  ActionSettle,
  HaltRaise,
  Op,
  OpResults,
} from '../../src/domain/ops.ts';
import type { Settlement } from '../../src/domain/proposal.ts';
import { BOUND_MS } from './house.ts';
import { intentChecks, widened } from './intent-checks.ts';
import type { Issuer } from './issuer.ts';
import type { KnownAction, Model } from './model.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

const GRACE_MS = 1_000;
const DEAD_MS = 10 * BOUND_MS;
const A_MOMENT_MS = 60_000;

/** A replica whose process runs. */
export interface Fellow {
  readonly replica: string;
  /** How long the store has not heard of it, and since when it is back after it was taken for dead. */
  readonly quietMs: number;
  readonly revivedMs: number;
  flies(actionId: string): boolean;
}

/** Checks safety at each op as it is committed, and keeps the model up to date. */
export class StoreWatch {
  fellows: () => readonly Fellow[] = () => [];
  readonly #world: World;
  readonly #model: Model;
  readonly #witness: Witness;
  readonly #issuer: Issuer;

  constructor(world: World, model: Model, witness: Witness, issuer: Issuer) {
    this.#world = world;
    this.#model = model;
    this.#witness = witness;
    this.#issuer = issuer;
  }

  /** An op that was committed, in the order of commits, with its answer. Refused ops changed nothing. */
  committed(op: Op, answer: OpResults[Op['kind']]): void {
    if (!answer.ok) return;
    const model = this.#model;
    switch (op.kind) {
      case 'bundle.apply':
        model.bundle = op.bundle;
        break;
      case 'run.begin':
        model.runs.set(op.run.id, op.run);
        this.#mustBeFree(model.scopesOfRun(op.run.id), `run ${op.run.id}`);
        for (const told of widened(model, op.run))
          this.#world.broken('attenuation_never_widens', `run ${op.run.id}: ${told}`);
        break;
      case 'run.end':
        for (const { id } of model.treeUnder(op.runId)) this.#endRun(id);
        break;
      case 'action.admit':
        this.#admit(op);
        break;
      case 'action.mark':
        this.#mark(op);
        break;
      case 'action.settle':
        this.#settle(op);
        break;
      case 'action.decline':
        this.#add(op.action, op.as);
        break;
      case 'action.park':
        this.#add(op.action, 'parked');
        model.approvals.set(op.approval.id, op.approval);
        break;
      case 'approval.answer':
        model.approve(op.approvalId, { state: op.answer, answeredBy: op.by });
        break;
      case 'approval.void':
        model.approve(op.approvalId, { state: 'void' });
        break;
      case 'halt.raise':
        this.#raise(op, answer as OpResults['halt.raise']);
        break;
      case 'halt.inert':
        this.#inert(op.epoch, op.scope);
        break;
      case 'halt.lift':
        model.epoch++;
        for (const halt of model.halts.values()) if (halt.scope === op.scope) halt.state = 'lifted';
        break;
      case 'lease.write':
        model.leases.set(op.lease.id, op.lease);
        if (!model.owners.has(op.lease.id)) model.owners.set(op.lease.id, op.replica ?? '');
        break;
      default:
    }
  }

  #add(record: ActionAdmit['action'], state: KnownAction['state'], op?: ActionAdmit): KnownAction {
    const model = this.#model;
    const known = model.actions.has(record.id);
    this.#require(!known, 'one_effect_per_action', `action ${record.id} was recorded twice`);
    const action: KnownAction = {
      record,
      tool: toolOf(model, record.tool),
      approvalId: op?.approvalId ?? null,
      reservations: op?.reservations ?? [],
      epoch: model.epoch,
      replica: op?.replica ?? null,
      isMarked: false,
      state,
    };
    model.actions.set(record.id, action);
    return action;
  }

  #admit(op: ActionAdmit): void {
    for (const [invariant, detail] of intentChecks(this.#model, op))
      this.#world.broken(invariant, `intent ${op.action.id} (${op.action.tool}): ${detail}`);
    const action = this.#add(op.action, 'open', op);
    this.#world.count(op.action.purpose === 'preview' ? 'previews' : 'intents');
    this.#model.draw(action);
    this.#checkLimits(op);
    if (op.approvalId !== null) {
      this.#model.approve(op.approvalId, { state: 'used' });
      this.#world.count('approvalsUsed');
    }
    if (op.outcome !== null) this.#close(action, op.outcome.settlement, op.outcome.posted);
  }

  #checkLimits(op: ActionAdmit): void {
    for (const { key, dimension, limit } of op.reservations) {
      const { posted, pending } = this.#model.lineOf(key, dimension);
      const told = `${dimension} of ${key}: ${posted} + ${pending} of ${limit}`;
      this.#require(posted + pending <= limit, 'spent_plus_pending_le_limit', told);
    }
  }

  #mark({ actionId, runId }: ActionMark): void {
    const action = this.#model.actions.get(actionId);
    if (action === undefined) return;
    const scopes = this.#model.scopesOf(runId, action.record.tool, action.record.connection);
    const halts = this.#model.haltsOver(scopes, action.epoch);
    this.#require(
      halts.length === 0,
      'halt_is_total',
      `${actionId} marked under halt ${halts[0]?.[0]}`,
    );
    action.isMarked = true;
  }

  #settle(op: ActionSettle): void {
    const action = this.#model.actions.get(op.actionId);
    const isOpen = action?.state === 'open' || action?.state === 'running';
    this.#require(
      isOpen,
      'outcomes_are_true',
      `${op.actionId} is settled and was ${action?.state}`,
    );
    if (op.by === 'recover' && action !== undefined) this.#mayRecover(action);
    if (action !== undefined) this.#close(action, op.settlement, op.posted);
  }

  /** Only what nobody flies: of a replica that is dead, or was taken for dead a moment ago. */
  #mayRecover({ replica, record: { id } }: KnownAction): void {
    const owner = this.fellows().find((fellow) => fellow.replica === replica);
    const isLeft =
      owner === undefined ||
      !owner.flies(id) ||
      owner.quietMs > DEAD_MS ||
      owner.revivedMs < A_MOMENT_MS;
    this.#require(isLeft, 'the_living_are_left_alone', `${id} of ${replica} was settled for it`);
  }

  #close(action: KnownAction, { kind }: Settlement, posted: EffectVector | null): void {
    const was = action.state;
    action.state = kind;
    this.#world.count(`outcome ${kind}`);
    if (kind === 'running') return;
    for (const { key, dimension, amount } of action.reservations) {
      const line = this.#model.lineOf(key, dimension);
      line.pending -= amount;
      if (kind === 'done') line.posted += posted?.[dimension] ?? amount;
      if (kind === 'unknown') line.posted += amount;
    }
    const { id, tool, purpose } = action.record;
    const made = this.#witness.effectsOf(id);
    const hasEffect = purpose === 'execute' && action.tool?.effect !== 'read';
    const right =
      kind === 'unknown'
        ? this.#witness.isObscured(id)
        : made === (kind === 'done' && hasEffect ? 1 : 0);
    this.#require(right, 'outcomes_are_true', `${tool} ${id} (${was}) is ${kind}, effects ${made}`);
  }

  #raise(op: HaltRaise, answer: OpResults['halt.raise']): void {
    const model = this.#model;
    model.epoch++;
    this.#require(
      answer.halt.epoch === model.epoch,
      'halt_is_total',
      `halt ${answer.halt.epoch} again`,
    );
    model.halts.set(model.epoch, { scope: op.scope, state: 'gated' });
    this.#world.count('halts');
    const reached = model.openApprovals().filter(({ actionId, binding }) => {
      const action = model.actions.get(actionId);
      return (
        model.runs.get(binding.runId)?.state === 'live' &&
        model
          .scopesOf(binding.runId, binding.tool, action?.record.connection ?? '')
          .includes(op.scope)
      );
    });
    const missed = reached.find(({ id }) => !answer.voided.includes(id));
    this.#require(
      missed === undefined,
      'halt_is_total',
      `ask ${missed?.id} stands after ${op.scope}`,
    );
    for (const id of answer.voided) model.approve(id, { state: 'void' });
  }

  /** By then nothing that this process began before the halt is open, and nothing can commit under a dead credential. */
  #inert(epoch: number, scope: string): void {
    const model = this.#model;
    const living = this.fellows().filter(({ quietMs }) => quietMs <= BOUND_MS + GRACE_MS);
    const isOne = this.#world.swarm.replicas === 1;
    const halt = model.halts.get(epoch);
    if (halt !== undefined) halt.state = 'inert';
    this.#world.count('inert');
    const isIn = (runId: string, tool: string, connection: string): boolean =>
      model.scopesOf(runId, tool, connection).includes(scope);
    const open = model.openActions().find(({ record, epoch: then, replica }) => {
      const { id, runId, tool, connection } = record;
      const owner = living.find((fellow) => fellow.replica === replica);
      if (owner === undefined || then >= epoch || !isIn(runId, tool, connection)) return false;
      return isOne || owner.flies(id);
    });
    this.#require(open === undefined, 'halt_is_total', `inert while ${open?.record.id} is open`);
    const working = this.#issuer.living().find((id) => {
      const lease = model.leases.get(id);
      if (lease === undefined) return false;
      // of one that has stopped itself, and holds in its memory what nobody else knows
      if (!isOne && !living.some(({ replica }) => replica === model.owners.get(id))) return false;
      const { runId, connection } = lease;
      return [...model.scopesOfRun(runId), `connection:${connection}`].includes(scope);
    });
    this.#require(
      working === undefined,
      'halt_is_total',
      `inert while ${working} works at its issuer`,
    );
    // a halt of a tool leaves credentials alone: a call that its adapter gave up may still commit
    const flying = this.#witness
      .underway()
      .find(
        ({ runId, tool, connection }) =>
          connection === 'db' && !scope.startsWith('tool:') && isIn(runId, tool, connection),
      );
    this.#require(
      flying === undefined,
      'halt_is_total',
      `inert while ${flying?.actionId} may commit`,
    );
  }

  #endRun(runId: string): void {
    const run = this.#model.runs.get(runId);
    if (run !== undefined) this.#model.runs.set(runId, { ...run, state: 'ended' });
    for (const { id, binding } of this.#model.openApprovals())
      if (binding.runId === runId) this.#model.approve(id, { state: 'void' });
  }

  #mustBeFree(scopes: readonly string[], what: string): void {
    const halt = this.#model.haltsOver(scopes)[0];
    this.#require(halt === undefined, 'halt_is_total', `${what} began under halt ${halt?.[0]}`);
  }

  #require(...[isSo, invariant, detail]: Parameters<World['require']>): void {
    this.#world.require(isSo, invariant, detail);
  }
}

function toolOf({ bundle }: Model, name: string): Tool | null {
  return bundle?.tools[name] ?? null;
}

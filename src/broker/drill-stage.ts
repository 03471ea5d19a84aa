import type { Credential } from '../domain/credential.ts';
import type { DrillPlan, DrillProbe } from '../domain/drill.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';
import { answer } from './answer.ts';
import type { Broker } from './broker.ts';
import type { DrillGround, DrillLine } from './drill-ground.ts';
import { beginRun, endRun } from './runs.ts';

/** What the target says of itself: its own time now, and of the last touch; milliseconds since the epoch. */
export interface Sight {
  readonly now: number;
  readonly last: number;
  /** Its clock is ahead of ours by this. */
  readonly aheadMs: number;
}

const PAUSE_MS = 15;
const STEADY_AFTER = 3;
const STEADY_WITHIN_MS = 10_000;
const ASKED_WITHIN_MS = 5_000;
const LOOK_PAUSE_MS = 10;

/**
 * The canary at work, in every way in which a run can still have an effect: calling all the time, by itself and through
 * a sub-run, with an ask that stands open (or approved and unused), a stream, a token, a list of tools and a credential
 * at hand. `again` tries each of them once more; `over` ends what is left.
 */
export class DrillStage {
  /** Things that worked before the halt, as they must have. */
  readonly controls: DrillProbe[] = [];
  readonly untried: string[] = [];
  readonly #broker: Broker;
  readonly #ground: DrillGround;
  readonly #plan: DrillPlan;
  readonly #approver: string | null;
  #runs: { readonly agent: Run; readonly witness: Run } | null = null;
  #tokens = { agent: '', sub: '', witness: '' };
  #credential: Credential | null = null;
  #stream: DrillLine | null = null;
  #ask: string | null = null;
  #touching = true;
  /** When the last call that was answered with a result was answered. */
  #lastDoneAt = 0;
  #witnessed: string[] = [];
  #loops: Promise<void>[] = [];

  /** `approver`: the human who ordered the drill; without one an ask is left open. */
  constructor(broker: Broker, ground: DrillGround, plan: DrillPlan, approver: string | null) {
    this.#broker = broker;
    this.#ground = ground;
    this.#plan = plan;
    this.#approver = approver;
  }

  async assemble(): Promise<void> {
    const { agent, witness, touch, look } = this.#plan;
    const begin = (name: string): Promise<Run> =>
      beginRun(this.#broker, { agent: name, intent: 'a drill of the halt', budget: {} });
    const runs = { agent: await begin(agent), witness: await begin(witness) };
    this.#runs = runs;
    const token = await this.#ground.token(runs.agent);
    const { token: sub, code } = await this.#ground.exchange(token);
    if (sub === null) this.untried.push(`a sub-agent's token (${code})`);
    this.#tokens = {
      agent: token,
      sub: sub ?? '',
      witness: await this.#ground.token(runs.witness),
    };
    this.#stream = await this.#ground.listen(token);
    await this.#lend(runs.agent);
    await this.#askFor(runs.agent);
    const listed = await this.#ground.list(token);
    this.#control('a list of tools', listed.code === 'done', listed.code);
    const steady = [token, ...(sub === null ? [] : [sub])].map((each) => this.#loop(each, touch));
    this.#control('the canary at work', await allSteady(steady, this.#broker), 'touches');
    const witnessed = this.#loop(this.#tokens.witness, look, this.#witnessed);
    this.#control('the witness at work', await allSteady([witnessed], this.#broker), 'looks');
  }

  /** When the last call that was in the air had its answer, by our clock; 0 when none had. */
  get lastDoneAt(): number {
    return this.#lastDoneAt;
  }

  /** The target's account. Throws when it says nothing that can be read. */
  async look(): Promise<Sight> {
    const { clock } = this.#broker.doors;
    const sent = clock.now();
    const { code, result } = await this.#ground.call(this.#tokens.witness, this.#plan.look);
    const here = (sent + clock.now()) / 2;
    const { now, last } = result === null ? {} : numbersIn(result);
    if (now === undefined || last === undefined)
      throw new SignalboxError(
        'DRILL_BLIND',
        `\`${this.#plan.look}\` answered ${code}, expected an object with the numbers \`now\` and \`last\``,
      );
    return { now, last, aheadMs: now - here };
  }

  /** Each of them once more, with real requests. */
  async again(): Promise<DrillProbe[]> {
    const { agent: token, sub } = this.#tokens;
    const { touch, ask, connection } = this.#plan;
    const runs = this.#played();
    const probes = [
      held('agent token', (await this.#ground.call(token, touch)).code),
      ...(sub === '' ? [] : [held('sub-agent token', (await this.#ground.call(sub, touch)).code)]),
      held('refresh', (await this.#ground.renew(token, runs.agent.id)).code),
      held('exchange for a sub-run', (await this.#ground.exchange(token)).code),
      held('list of tools', (await this.#ground.list(token)).code),
      held('a new run', await this.#beginAnew()),
    ];
    if (ask !== undefined && this.#ask !== null) {
      const state = (await this.#broker.store.ask(this.#ask))?.approval.state ?? 'gone';
      probes.push({ name: 'the ask, or its approval', held: state === 'void', got: state });
      probes.push(held('the approved call', (await this.#ground.call(token, ask)).code));
    }
    const ended = this.#stream?.ended() ?? null;
    probes.push({
      name: 'open stream',
      held: ended !== null,
      got: ended === null ? 'open' : 'ended',
    });
    if (this.#credential !== null) {
      const at = (await this.#broker.bundles.active()).connections[connection];
      const tried =
        at === undefined ? 'unclear' : await this.#ground.tryCredential(at, this.#credential);
      probes.push({ name: 'the credential itself', held: tried === 'refused', got: tried });
    }
    return probes;
  }

  /** What the witness noticed, which should be nothing. */
  spared(): DrillProbe[] {
    const bad = this.#witnessed.filter((code) => code !== 'done');
    const worked = this.#witnessed.length > 0 && bad.length === 0;
    return [{ name: 'the witness was not affected', held: worked, got: bad[0] ?? 'done' }];
  }

  async over(): Promise<void> {
    this.#touching = false;
    this.#stream?.hangUp();
    await Promise.all(this.#loops);
    const { agent, witness } = this.#runs ?? {};
    for (const run of [agent, witness])
      if (run !== undefined) await endRun(this.#broker, run.id, 'the drill is over');
  }

  /** Calls all the time; resolves `steady` after a few answers, with whether they were what they should be. */
  #loop(token: string, tool: string, heard: string[] = []): Promise<boolean> {
    const steady = Promise.withResolvers<boolean>();
    const { timers, clock } = this.#broker.doors;
    const work = async (): Promise<void> => {
      for (let made = 1; this.#touching; made++) {
        const { code } = await this.#ground.call(token, tool);
        heard.push(code);
        if (code === 'done' && tool === this.#plan.touch) this.#lastDoneAt = clock.now();
        if (made === STEADY_AFTER) steady.resolve(code === 'done');
        const pause = tool === this.#plan.look ? LOOK_PAUSE_MS : PAUSE_MS;
        await new Promise<void>((resolve) => timers.after(pause, resolve));
      }
    };
    this.#loops.push(work().catch(() => steady.resolve(false)));
    return steady.promise;
  }

  /** A credential that was minted for the canary, in the hands of somebody who kept it. */
  async #lend(run: Run): Promise<void> {
    const { connection: name } = this.#plan;
    const connection = (await this.#broker.bundles.active()).connections[name];
    if (connection === undefined) return;
    const credential = await this.#broker.credentials.obtain(run, connection);
    if (credential === null) {
      this.untried.push(`a credential: \`${name}\` needs none`);
      return;
    }
    const tried = await this.#ground.tryCredential(connection, credential);
    if (tried === 'unclear') {
      this.untried.push(`the credential itself: nobody knows how to try it at \`${name}\``);
      return;
    }
    this.#credential = credential;
    this.#control('the credential itself', tried === 'accepted', tried);
  }

  /** Its client hangs up, so that nobody waits for the answer; then it is approved where a human ordered this drill. */
  async #askFor(run: Run): Promise<void> {
    const { ask } = this.#plan;
    if (ask === undefined) {
      this.untried.push('an approval: the plan names no `ask`');
      return;
    }
    const line = this.#ground.dial(this.#tokens.agent, ask);
    this.#ask = await this.#openAsk(run);
    line.hangUp();
    this.#control('an ask', this.#ask !== null, this.#ask === null ? 'none' : 'open');
    if (this.#approver === null || this.#ask === null) {
      this.untried.push(
        'an approval that was given: nobody was there to give it; the ask is left open',
      );
      return;
    }
    const { approval } = (await this.#broker.store.ask(this.#ask)) ?? {};
    if (approval === undefined) return;
    await answer(this.#broker, {
      approvalId: approval.id,
      answer: 'approved',
      by: this.#approver,
      because: 'a drill: it is never used',
      digest: approval.digest,
    });
  }

  async #openAsk(run: Run): Promise<string | null> {
    const { clock, timers } = this.#broker.doors;
    const until = clock.monotonic() + ASKED_WITHIN_MS;
    while (clock.monotonic() < until) {
      const asks = await this.#broker.store.asks({ limit: 1_000, state: 'pending' });
      const found = asks.find(({ approval }) => approval.binding.runId === run.id);
      if (found !== undefined) return found.approval.id;
      await new Promise<void>((resolve) => timers.after(PAUSE_MS, resolve));
    }
    return null;
  }

  async #beginAnew(): Promise<string> {
    try {
      const run = await beginRun(this.#broker, {
        agent: this.#plan.agent,
        intent: 'go on after a halt',
        budget: {},
      });
      await endRun(this.#broker, run.id, 'it should not have begun');
      return 'done';
    } catch (error) {
      return error instanceof SignalboxError ? error.code : 'INTERNAL';
    }
  }

  #control(name: string, isHeld: boolean, got: string): void {
    this.controls.push({ name, held: isHeld, got });
  }

  #played(): { readonly agent: Run; readonly witness: Run } {
    if (this.#runs === null) throw new SignalboxError('INTERNAL', 'a drill without a stage');
    return this.#runs;
  }
}

/** What a halt refuses with: anything else, be it done or a fault of ours, is not a refusal. */
const REFUSALS = new Set(['HALTED', 'TOKEN_INVALID', 'RUN_OVER']);

function held(name: string, code: string): DrillProbe {
  return { name, held: REFUSALS.has(code), got: code };
}

async function allSteady(loops: readonly Promise<boolean>[], { doors }: Broker): Promise<boolean> {
  const late = new Promise<boolean[]>((resolve) =>
    doors.timers.after(STEADY_WITHIN_MS, () => resolve([false])),
  );
  return (await Promise.race([Promise.all(loops), late])).every(Boolean);
}

/** The first object in the result that has both; a query gives its rows in a list. */
function numbersIn(result: JsonObject): { readonly now?: number; readonly last?: number } {
  for (const value of [result, ...Object.values(result).flat()]) {
    if (!isJsonObject(value)) continue;
    const { now, last } = value;
    if (now === undefined || last === undefined) continue;
    const [nowMs, lastMs] = [Number(now), Number(last)];
    if (Number.isFinite(nowMs) && Number.isFinite(lastMs)) return { now: nowMs, last: lastMs };
  }
  return {};
}

import type { Caller } from '../../domain/caller.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import type { SubjectTokens } from '../../domain/subject-token.ts';
import type { Callers, Governed } from './governed.ts';
import { Pace } from './pace.ts';
import type { WantedRun } from './wanted.ts';

export type RunCaller = Extract<Caller, { kind: 'run' }>;
export type AgentCaller = Extract<Caller, { kind: 'agent' }>;

/** A run and its token, which is shown once. */
export interface BegunRun {
  readonly run: Run;
  readonly token: string;
  readonly expiresAt: number;
}

/** The two ways a run begins, whichever route asks. Throws what `beginRun`, `beginSubRun` and `issue` throw, and OVERLOADED. */
export class Beginnings {
  readonly #governed: Governed;
  readonly #callers: Callers;
  readonly #subjects: SubjectTokens;
  readonly #pace: Pace;

  constructor(governed: Governed, callers: Callers, subjects: SubjectTokens) {
    this.#governed = governed;
    this.#callers = callers;
    this.#subjects = subjects;
    this.#pace = new Pace(governed.broker.doors.clock, (most) => `started ${most} runs`);
  }

  async root(agent: string, wanted: WantedRun): Promise<BegunRun> {
    const { broker, beginRun } = this.#governed;
    this.#pace.check(agent);
    return this.#withToken(await beginRun(broker, { agent, ...wanted }));
  }

  /** A root run on behalf of the user that an identity provider vouches for. Throws SUBJECT_TOKEN too. */
  async onBehalf(token: string, { agent }: AgentCaller, wanted: WantedRun): Promise<BegunRun> {
    const { broker, beginRun } = this.#governed;
    this.#pace.check(agent);
    const bundle = await broker.bundles.active();
    const { user, issuer } = await this.#subjects.proven(token, agent, bundle);
    const run = await beginRun(broker, { agent, ...wanted, subject: user, provenBy: issuer });
    const body = { run: run.id, agent, user, issuer };
    const at = broker.doors.clock.now();
    await broker.store.commit({ kind: 'system.note', type: 'run.subject-proven', body, at });
    return this.#withToken(run);
  }

  /** The run whose token this is. Throws what `authenticate` throws. */
  async parent(token: string): Promise<RunCaller> {
    const caller = await this.#callers.authenticate(`Bearer ${token}`);
    if (caller.kind === 'run') return caller;
    throw new SignalboxError(
      'TOKEN_AUDIENCE',
      'a sub-run begins under the token of a run, got the secret of an agent',
    );
  }

  /** `actor`: the proven agent that acts in the sub-run; null: the agent of its parent. */
  async under(parent: RunCaller, actor: AgentCaller | null, wanted: WantedRun): Promise<BegunRun> {
    const { broker, beginSubRun } = this.#governed;
    const agent = actor?.agent ?? null;
    this.#pace.check(agent ?? (await broker.store.run(parent.runId))?.agent ?? 'unknown');
    return this.#withToken(await beginSubRun(broker, { parent: parent.runId, agent, ...wanted }));
  }

  async #withToken(run: Run): Promise<BegunRun> {
    return { run, ...(await this.#callers.issue(run)) };
  }
}

/** A run as whoever began it is told. */
export function told(run: Run): JsonObject {
  const { id, agent, intent, startedAt, expiresAt, budget, tools, parent, root, depth } = run;
  const actsFor = run.actsFor.map((above) => ({ run: above.run, agent: above.agent }));
  return {
    ...{ id, agent, intent, startedAt, expiresAt },
    ...{ budget: { ...budget }, tools: tools === null ? null : [...tools] },
    ...{ parent, root, depth, actsFor },
    ...(run.subject === undefined ? {} : { subject: run.subject }),
  };
}

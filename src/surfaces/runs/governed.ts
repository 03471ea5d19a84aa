import type { Broker } from '../../broker/broker.ts';
import type { RunRequest, SubRunRequest } from '../../broker/runs.ts';
import type { Said } from '../../broker/say.ts';
import type { ModelUsage, Reported } from '../../broker/spend.ts';
import type { Caller } from '../../domain/caller.ts';
import type { Sink } from '../../domain/connector.ts';
import type { Outcome, Proposal } from '../../domain/proposal.ts';
import type { Run } from '../../domain/run.ts';

/** The broker with the few of its functions that the agents' surfaces call. */
export interface Governed {
  readonly broker: Broker;
  act(broker: Broker, proposal: Proposal, sink?: Sink): Promise<Outcome>;
  beginRun(broker: Broker, request: RunRequest): Promise<Run>;
  beginSubRun(broker: Broker, request: SubRunRequest): Promise<Run>;
  reportUsage(broker: Broker, usage: ModelUsage): Promise<Reported | null>;
  endRun(broker: Broker, runId: string, why: string): Promise<void>;
  say(broker: Broker, said: Said): Promise<void>;
}

/** What the agents' surfaces need of identity. */
export interface Callers {
  /** Throws SignalboxError: TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_AUDIENCE, RUN_OVER, HALTED, STORE_DOWN. */
  authenticate(authorization: string | undefined): Promise<Caller>;
  issue(run: Run): Promise<{ readonly token: string; readonly expiresAt: number }>;
  renew(caller: { readonly runId: string; readonly tokenHash: string }): Promise<number>;
}

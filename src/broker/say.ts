import { SignalboxError } from '../domain/errors.ts';
import type { Broker } from './broker.ts';

/** Characters of one message. */
export const MAX_SAID_LENGTH = 16_000;

export interface Said {
  readonly runId: string;
  /** The proven agent whose run it must be. */
  readonly agent: string;
  readonly text: string;
}

/**
 * Keeps what the principal said after a run began, where the hooks of a client hear it: from then on it proves as the
 * intent does. Of root runs only: what is said in a sub-run is its parent agent's word. Throws RUN_NOT_FOUND, RUN_OVER,
 * REQUEST_MALFORMED, STORE_DOWN.
 */
export async function say(broker: Broker, { runId, agent, text }: Said): Promise<void> {
  const run = await broker.store.run(runId);
  if (run === null || run.agent !== agent)
    throw new SignalboxError('RUN_NOT_FOUND', 'this agent has no such run');
  if (run.parent !== null)
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      'a sub-run has its words from the agent above it; say it in its root',
    );
  if (text.length > MAX_SAID_LENGTH)
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `expected a text of at most ${MAX_SAID_LENGTH} characters, got ${text.length}`,
    );
  const at = broker.doors.clock.now();
  const done = await broker.store.commit({ kind: 'run.say', runId, text, at });
  if (!done.ok) throw new SignalboxError('RUN_OVER', 'this run is over');
  broker.lineage.said(runId, text);
}

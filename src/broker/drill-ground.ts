import type { Connection } from '../domain/bundle.ts';
import type { Credential } from '../domain/credential.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';

/** What came of one real request: `done`, `pending` (it waits for a human), or the code of a refusal. */
export interface DrillAnswer {
  readonly code: string;
  /** The result of a call that was done, where it is an object. */
  readonly result: JsonObject | null;
}

/** A request that is in the air, or a stream that is open. */
export interface DrillLine {
  /** Null as long as nothing came. */
  readonly ended: () => DrillAnswer | null;
  hangUp(): void;
}

/**
 * What a drill does outside the broker: it is an agent like any other, with a token, over the agents' listener. Nothing
 * here has a way to a connector.
 */
export interface DrillGround {
  readonly software: string;
  /** A token of the run, as its agent would hold it. Throws HALTED. */
  token(run: Run): Promise<string>;
  call(token: string, tool: string): Promise<DrillAnswer>;
  /** The same without waiting for what comes of it. */
  dial(token: string, tool: string): DrillLine;
  list(token: string): Promise<DrillAnswer>;
  renew(token: string, runId: string): Promise<DrillAnswer>;
  /** A sub-run's token for a run's; null when it was refused. */
  exchange(token: string): Promise<DrillAnswer & { readonly token: string | null }>;
  listen(token: string): Promise<DrillLine>;
  /** Logs in with the credential itself, past every gate. `unclear`: nobody knows how to try it, or no answer came. */
  tryCredential(
    connection: Connection,
    credential: Credential,
  ): Promise<'accepted' | 'refused' | 'unclear'>;
  /** Signs as the ledger does; null when it has no key. */
  sign(text: string): Promise<string | null>;
}

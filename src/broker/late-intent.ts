import { ConnectorFailure, type Sink } from '../domain/connector.ts';
import type { ActionAdmit } from '../domain/ops.ts';
import type { Broker } from './broker.ts';
import { type Aloft, recordIntent } from './execute.ts';

/**
 * The intent of a read that is under way. It shares a commit with its outcome, unless the target has something to say
 * before that: then it is recorded first, and only then is the caller told.
 *   unrecorded → recorded    the first word of the target; the outcome is a commit of its own
 *   unrecorded → moved       the facts moved: the read is stopped and judged anew
 *   unrecorded → lost        the store did not answer: it may have been recorded, so nothing more is
 */
export class LateIntent {
  state: 'unrecorded' | 'recorded' | 'moved' | 'lost' = 'unrecorded';
  /** What the connector is given in place of the caller's own. */
  readonly sink: Sink;
  readonly #broker: Broker;
  readonly #intent: ActionAdmit;
  readonly #aloft: Aloft;
  #recording: Promise<void> | null = null;

  constructor(broker: Broker, intent: ActionAdmit, aloft: Aloft, outer: Sink) {
    this.#broker = broker;
    this.#intent = intent;
    this.#aloft = aloft;
    this.sink = {
      capabilities: outer.capabilities,
      logLevel: outer.logLevel,
      progress: outer.progress,
      tell: async (notice) => {
        await this.#recorded();
        return outer.tell(notice);
      },
      ask: async (question) => {
        await this.#recorded();
        return outer.ask(question);
      },
    };
  }

  #recorded(): Promise<void> {
    this.#recording ??= this.#record();
    return this.#recording;
  }

  async #record(): Promise<void> {
    this.state = 'lost';
    const ok = await recordIntent(this.#broker, { ...this.#intent, leaseId: this.#aloft.leaseId });
    this.state = ok ? 'recorded' : 'moved';
    if (ok) return;
    throw new ConnectorFailure('CONNECTOR_ABORTED', 'the facts moved while it ran', 'none');
  }

  /** The target said nothing: the intent goes with the outcome. */
  get silent(): boolean {
    return this.#recording === null;
  }

  /** Waits for a recording under way, so that no outcome overtakes its intent. */
  async settled(): Promise<LateIntent['state']> {
    await this.#recording?.catch(() => undefined);
    return this.state;
  }
}

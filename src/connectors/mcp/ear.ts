import { TooDeep } from '../../boundary/each-text.ts';
import type { Redact } from '../../boundary/redact.ts';
import { ConnectorFailure, type Notice, type Sink } from '../../domain/connector.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { severity } from '../../protocols/mcp/log-level.ts';
import { mayBeAsked } from '../../protocols/mcp/upstream-request.ts';
import { cleanedWords } from './clean.ts';
import type { Ear } from './wire.ts';

const MAX_PENDING = 32;
const MAX_NOTICES = 10_000;
const MAX_TOLD = 64 * 1024;
const MAX_QUESTION = 256 * 1024;
const MAX_QUESTIONS = 32;

/** What a server says during one call, cut to what its caller wants and can take, on its way to the sink. */
export class CallEar implements Ear {
  readonly capabilities: JsonObject;
  readonly logLevel: string | null;
  readonly progress: boolean;
  onRefused: (() => void) | null = null;
  /** Why the call must not go on; null while it may. */
  refusal: ConnectorFailure | null = null;
  readonly #sink: Sink;
  readonly #redact: Redact;
  #pending = 0;
  #notices = 0;
  #questions = 0;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #quiet: (() => void) | null = null;

  constructor(sink: Sink, capabilities: JsonObject, redact: Redact) {
    this.#sink = sink;
    this.#redact = redact;
    this.capabilities = capabilities;
    this.logLevel = severity(sink.logLevel) === -1 ? null : sink.logLevel;
    this.progress = sink.progress;
  }

  hear(method: string, params: JsonObject): void {
    if (this.refusal !== null || this.#pending >= MAX_PENDING) return;
    if (this.#notices >= MAX_NOTICES) return;
    const told = method === 'notifications/progress' ? this.#step(params) : this.#line(params);
    if (told === null) return;
    const small = this.#small(told);
    if (small === null) return;
    this.#notices++;
    this.#tell({ method, params: small });
  }

  /** What it says, clean; null where that is too long, or nested deeper than anybody should have to follow. */
  #small(told: JsonObject): JsonObject | null {
    try {
      if (JSON.stringify(told).length > MAX_TOLD) return null;
      return cleanedWords(told, this.#redact);
    } catch (error) {
      if (error instanceof TooDeep || error instanceof RangeError) return null;
      throw error;
    }
  }

  async question(method: string, params: JsonObject): Promise<JsonObject> {
    if (!mayBeAsked(this.capabilities, method) || ++this.#questions > MAX_QUESTIONS)
      throw new ConnectorFailure('CONNECTOR_REFUSED', 'the caller cannot be asked that', 'none');
    if (JSON.stringify(params).length > MAX_QUESTION)
      throw new ConnectorFailure('CONNECTOR_REFUSED', 'the question is too long', 'none');
    return await this.#sink.ask({ method, params: cleanedWords(params, this.#redact) });
  }

  async told(): Promise<void> {
    if (this.#pending > 0)
      await new Promise<void>((quiet) => {
        this.#quiet = quiet;
      });
    if (this.refusal !== null) throw this.refusal;
  }

  /** The surface puts its caller's token in place of ours. Progress that does not move on is not told. */
  #step({ progressToken, progress, total, message }: JsonObject): JsonObject | null {
    if (!this.progress || typeof progress !== 'number' || progress <= this.#lastProgress)
      return null;
    this.#lastProgress = progress;
    return {
      progressToken: progressToken ?? null,
      progress,
      ...(typeof total === 'number' ? { total } : {}),
      ...(typeof message === 'string' ? { message } : {}),
    };
  }

  #line({ level, logger, data }: JsonObject): JsonObject | null {
    const severe = severity(level);
    if (this.logLevel === null || severe < severity(this.logLevel) || severe === -1) return null;
    return {
      level: level as Json,
      ...(typeof logger === 'string' ? { logger } : {}),
      data: data ?? null,
    };
  }

  #tell(notice: Notice): void {
    this.#pending++;
    this.#sink.tell(notice).then(
      () => this.#settled(),
      (error: unknown) => {
        this.refusal ??=
          error instanceof ConnectorFailure
            ? error
            : new ConnectorFailure('CONNECTOR_ABORTED', 'the caller is gone', 'unknown');
        this.onRefused?.();
        this.#settled();
      },
    );
  }

  #settled(): void {
    if (--this.#pending > 0) return;
    this.#quiet?.();
    this.#quiet = null;
  }
}

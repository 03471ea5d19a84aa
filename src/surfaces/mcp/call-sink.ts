import { ConnectorFailure, type Notice, type Question, type Sink } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { StopSignal } from '../../domain/stop.ts';
import { severity } from '../../protocols/mcp/log-level.ts';
import { capabilityFor, undeclared } from '../../protocols/mcp/questions.ts';
import { notificationText } from '../../protocols/mcp/results.ts';
import { unanswered } from './live-questions.ts';
import type { Turn } from './turn.ts';

/** The turn that a call is answered by; another one when its client was sent away and came back. */
export interface Answerable {
  readonly turn: Turn;
  readonly signal: StopSignal;
}

/** The caller's side of one call, over MCP. What the client did not ask to hear is not told. */
export class CallSink implements Sink {
  readonly capabilities: JsonObject;
  readonly logLevel: string | null;
  readonly progress: boolean;
  readonly #call: Answerable;
  readonly #ask: (question: Question) => Promise<JsonObject>;
  /** What the target asked for and this client did not say it answers; null when there was nothing of that kind. */
  lacking: JsonObject | null = null;
  #lastProgress = 0;
  #closed = false;

  constructor(
    call: Answerable,
    capabilities: JsonObject,
    ask: (question: Question) => Promise<JsonObject>,
  ) {
    const { envelope, reply, session } = call.turn;
    this.#call = call;
    this.#ask = ask;
    this.capabilities = capabilities;
    this.progress = reply.streams && envelope.progressToken !== null;
    const level = envelope.era === 'legacy' ? (session?.logLevel ?? null) : envelope.logLevel;
    this.logLevel = reply.streams ? level : null;
  }

  async tell({ method, params }: Notice): Promise<void> {
    if (this.#call.signal.aborted)
      throw new ConnectorFailure('CONNECTOR_ABORTED', 'the caller is gone', 'unknown');
    if (this.#closed) return;
    const told =
      method === 'notifications/progress' ? this.#step(params) : this.#line(method, params);
    if (told !== null) await this.#call.turn.reply.tell(notificationText(method, told));
  }

  async ask(question: Question): Promise<JsonObject> {
    const needed = capabilityFor(question);
    const lacking = needed === null ? null : undeclared(needed, this.capabilities);
    if (lacking !== null) this.lacking = { ...this.lacking, ...lacking };
    if (needed === null || lacking !== null)
      throw unanswered('its client did not say that it answers such');
    return await this.#ask(question);
  }

  /** The answer is on its way: nothing may come after it. */
  close(): void {
    this.#closed = true;
  }

  /** Under the client's own token, and only what grows. */
  #step(params: JsonObject): JsonObject | null {
    const { progressToken } = this.#call.turn.envelope;
    const { progress } = params;
    if (progressToken === null || !this.progress || typeof progress !== 'number') return null;
    if (progress <= this.#lastProgress && this.#lastProgress > 0) return null;
    this.#lastProgress = progress;
    return { ...params, progressToken };
  }

  #line(method: string, params: JsonObject): JsonObject | null {
    if (method !== 'notifications/message' || this.logLevel === null) return null;
    return severity(params.level) < severity(this.logLevel) ? null : params;
  }
}

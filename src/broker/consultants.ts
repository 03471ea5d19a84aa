import type { Question } from '../boundary/questions.ts';
import { environmentOf } from '../domain/bundle.ts';
import {
  type Canary,
  CONSULT_CODES,
  type Consult,
  type ConsultAnswer,
  type ConsultDesk,
  type ModelConsult,
  type PdpConsult,
  type TokensUsed,
  unanswered,
} from '../domain/consult.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { JsonObject } from '../domain/json.ts';
import { actorsOf } from '../domain/run.ts';
import {
  type Evaluation,
  evaluationAnswer,
  evaluationRequest,
  type PdpAnswer,
} from '../protocols/authzen/evaluation.ts';
import { judgeAnswer, judgeCall } from '../protocols/llm/judge-call.ts';
import { ConsultLane } from './consult-lane.ts';

/** What is told of an action, as JSON, at most; a longer one is not cut but left unasked. */
const MOST_TOLD = 64 * 1024;
/** A decision point that failed its canaries is not tried again sooner. */
const AGAIN_MS = 30_000;
/** Tokens that an API puts around what it is given, and the word of the question. */
const SPARE = 200;

export interface ConsultParts {
  readonly doors: Pick<Doors, 'clock' | 'entropy'>;
  readonly post: (question: Question) => Promise<string>;
  /** Throws SignalboxError SECRET_MISSING. */
  readonly secret: (name: string) => Promise<string>;
  /** Takes secrets that are known here out of a text. */
  readonly clean: (text: string) => string;
}

interface Proof {
  readonly why: string | null;
  readonly at: number;
}

/** Asks models and decision points. A decision point is believed once it answered its canaries as declared. */
export class Consultants implements ConsultDesk {
  readonly #parts: ConsultParts;
  /** By the consult of one bundle: another bundle proves anew. */
  readonly #proofs = new WeakMap<PdpConsult, Promise<Proof>>();

  readonly #lanes = new WeakMap<Consult, ConsultLane>();

  constructor(parts: ConsultParts) {
    this.#parts = parts;
  }

  closed(consult: Consult): string | null {
    return this.#laneTo(consult).closed();
  }

  /** A token is a character at least. */
  worst(consult: ModelConsult, facts: Facts): TokensUsed {
    const asked = { nonce: '', action: toldOf(facts), guidance: consult.guidance ?? null };
    const { body } = judgeCall(consult, asked, null);
    return { tokensIn: JSON.stringify(body).length + SPARE, tokensOut: consult.maxTokens };
  }

  ask(consult: Consult, facts: Facts): Promise<ConsultAnswer> {
    return this.#laneTo(consult).through(
      () => this.#ask(consult, facts),
      ({ code }) => code === CONSULT_CODES.failed,
    );
  }

  #laneTo(consult: Consult): ConsultLane {
    const lane = this.#lanes.get(consult) ?? new ConsultLane(this.#parts.doors.clock);
    this.#lanes.set(consult, lane);
    return lane;
  }

  async #ask(consult: Consult, facts: Facts): Promise<ConsultAnswer> {
    try {
      return consult.kind === 'model'
        ? await this.#model(consult, facts)
        : await this.#pdp(consult, facts);
    } catch (error) {
      const why = error instanceof SignalboxError ? error.message : 'an unexpected fault';
      return unanswered(consult, facts, why);
    }
  }

  /** Null when it may be believed; otherwise which canary was answered otherwise, or why it could not be asked. */
  async proven(consult: PdpConsult): Promise<string | null> {
    const known = await this.#proofs.get(consult);
    const { clock } = this.#parts.doors;
    if (known !== undefined && (known.why === null || clock.now() - known.at < AGAIN_MS))
      return known.why;
    const proving = this.#prove(consult).then((why) => ({ why, at: clock.now() }));
    this.#proofs.set(consult, proving);
    return (await proving).why;
  }

  async #model(consult: ModelConsult, facts: Facts): Promise<ConsultAnswer> {
    const { doors } = this.#parts;
    const began = doors.clock.monotonic();
    const nonce = doors.entropy.id('case');
    const action = this.#told(toldOf(facts));
    const { path, headers, body } = judgeCall(
      consult,
      { nonce, action, guidance: consult.guidance ?? null },
      await this.#secret(consult),
    );
    const { allowPrivate, timeoutMs } = consult;
    const url = `${consult.url}${path}`;
    const text = await this.#parts.post({ url, allowPrivate, headers, body, timeoutMs });
    const answer = judgeAnswer(consult.api, nonce, text);
    if (answer === null) return unanswered(consult, facts, 'it did not answer this question');
    const { verdict, reason, tokensIn, tokensOut } = answer;
    const spent = `${tokensIn ?? 'unknown'} tokens in, ${tokensOut ?? 'unknown'} out, ${Math.round(doors.clock.monotonic() - began)} ms`;
    return {
      consult: consult.name,
      ...OF_VERDICT[verdict],
      reason: `\`${consult.name}\` (\`${consult.model}\`) says ${verdict}: ${this.#parts.clean(reason)} (${spent})`,
      ...(tokensIn === null || tokensOut === null ? {} : { usage: { tokensIn, tokensOut } }),
    };
  }

  async #pdp(consult: PdpConsult, facts: Facts): Promise<ConsultAnswer> {
    const unproven = await this.proven(consult);
    if (unproven !== null) return unanswered(consult, facts, unproven);
    const { run, tool, connection } = facts;
    const answer = await this.#evaluate(consult, {
      agent: run?.agent ?? '',
      tool: facts.toolName,
      arguments: facts.arguments,
      effect: tool?.effect ?? 'destroy',
      reversibility: tool?.reversibility ?? 'none',
      connection: connection?.name ?? '',
      environment: environmentOf(tool, connection),
      user: run?.subject ?? null,
      actsFor: run === null ? [] : actorsOf(run).slice(1),
      intent: run?.intent ?? '',
      run: run?.id ?? '',
      call: this.#parts.doors.entropy.id('call'),
    });
    if (answer.decision === null) return unanswered(consult, facts, answer.why);
    return {
      consult: consult.name,
      ...OF_VERDICT[answer.decision ? 'allow' : 'deny'],
      reason: `\`${consult.name}\` says ${answer.decision ? 'yes' : 'no'}: ${this.#parts.clean(answer.why)}`,
    };
  }

  async #prove(consult: PdpConsult): Promise<string | null> {
    try {
      for (const canary of consult.canaries) {
        const { decision, why } = await this.#evaluate(consult, this.#canary(canary));
        if (decision === (canary.expect === 'allow')) continue;
        const said = decision === null ? why : decision ? 'it allowed' : 'it denied';
        return `its canary \`${canary.tool}\` of \`${canary.agent}\` must be answered \`${canary.expect}\`: ${said}`;
      }
      return null;
    } catch (error) {
      return error instanceof SignalboxError ? error.message : 'an unexpected fault';
    }
  }

  #canary({ agent, tool, arguments: given }: Canary): Evaluation {
    return {
      ...{ agent, tool, arguments: given, effect: 'destroy', reversibility: 'none' },
      ...{ connection: 'canary', environment: 'production', user: null, actsFor: [] },
      ...{ intent: 'canary', run: 'canary', call: this.#parts.doors.entropy.id('call') },
    };
  }

  async #evaluate(consult: PdpConsult, asked: Evaluation): Promise<PdpAnswer> {
    const secret = await this.#secret(consult);
    const { allowPrivate, timeoutMs } = consult;
    const text = await this.#parts.post({
      ...{ allowPrivate, timeoutMs, url: `${consult.url}/access/v1/evaluation` },
      headers: {
        'x-request-id': asked.call,
        ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: this.#told(evaluationRequest(asked)),
    });
    return evaluationAnswer(text);
  }

  async #secret({ secret }: Consult): Promise<string | null> {
    return secret === undefined ? null : await this.#parts.secret(secret);
  }

  /** Without a secret of ours, and whole. */
  #told(what: JsonObject): JsonObject {
    const text = this.#parts.clean(JSON.stringify(what));
    if (text.length > MOST_TOLD)
      throw new SignalboxError(
        'CONSULT_FAILED',
        `there is more to tell than ${MOST_TOLD} characters`,
      );
    return JSON.parse(text) as JsonObject;
  }
}

const OF_VERDICT = {
  allow: { ceiling: 'auto', code: CONSULT_CODES.allowed },
  ask: { ceiling: 'approve', code: CONSULT_CODES.asks },
  deny: { ceiling: 'deny', code: CONSULT_CODES.denied },
} as const;

function toldOf({ run, tool, connection, ...facts }: Facts): JsonObject {
  return {
    task: run?.intent ?? '',
    agent: run?.agent ?? '',
    on_behalf_of: run?.subject ?? null,
    tool: facts.toolName,
    description: tool?.description ?? '',
    effect: tool?.effect ?? 'destroy',
    can_be_undone: tool?.reversibility ?? 'none',
    at: connection?.name ?? '',
    environment: environmentOf(tool, connection),
    at_most: tool === null ? {} : { ...tool.cap },
    arguments: facts.arguments,
  };
}

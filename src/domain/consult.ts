import type { EffectClass } from './effect.ts';
import type { Facts } from './facts.ts';
import type { JsonObject } from './json.ts';
import type { Mode } from './mode.ts';

/** Somebody outside who is asked about an action before it is recorded. What it says can only lower the ceiling. */
export type Consult = ModelConsult | PdpConsult;

interface Asked {
  readonly name: string;
  readonly url: string;
  /** Name of the secret that proves who asks; absent: none is sent. */
  readonly secret?: string;
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
  /** Classes of effect that it is asked about. */
  readonly about: readonly EffectClass[];
  /** Absent: every tool. */
  readonly tools?: readonly string[];
}

/** A model that judges. Never the one that the agent uses. */
export interface ModelConsult extends Asked {
  readonly kind: 'model';
  readonly api: 'openai' | 'anthropic';
  readonly model: string;
  readonly maxTokens: number;
  /** What the operator wants it to look for, besides what it is told anyway. */
  readonly guidance?: string;
  /** Currency for a million tokens; absent: nobody knows what it costs. */
  readonly price?: { readonly in: number; readonly out: number };
  /** How often it is asked, and for how much; absent: as often as there is something to ask. */
  readonly budget?: ConsultBudget;
}

/** Of one run tree, and of everybody in one day (UTC). */
export interface ConsultBudget {
  readonly run?: ConsultLimits;
  readonly day?: ConsultLimits;
}

export type ConsultLimits = { readonly [D in 'calls' | 'moneyMicros']?: number };

/** A policy decision point that speaks the AuthZEN Authorization API 1.0. */
export interface PdpConsult extends Asked {
  readonly kind: 'authzen';
  /** Asked before anything else is believed, and must be answered as they say. */
  readonly canaries: readonly Canary[];
}

/** An action that the decision point must know to allow or deny. */
export interface Canary {
  readonly agent: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly expect: 'allow' | 'deny';
}

export const CONSULT_CODES = {
  allowed: 'CONSULT_ALLOWED',
  asks: 'CONSULT_ASKS',
  denied: 'CONSULT_DENIED',
  failed: 'CONSULT_FAILED',
  budget: 'CONSULT_BUDGET',
} as const;

/** What one of them said. `reason` may quote the action or its own words: it is payload. */
export interface ConsultAnswer {
  readonly consult: string;
  readonly ceiling: Extract<Mode, 'auto' | 'approve' | 'deny'>;
  readonly code: (typeof CONSULT_CODES)[keyof typeof CONSULT_CODES];
  readonly reason: string;
  /** Of a model that said what it used. */
  readonly usage?: TokensUsed;
}

export interface TokensUsed {
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** Never throws: a failure is an answer. */
export interface ConsultDesk {
  ask(consult: Consult, facts: Facts): Promise<ConsultAnswer>;
  /** Why it is not worth asking now: it is dead, or asked by too many. Null: it can be asked. */
  closed(consult: Consult): string | null;
  /** The most that one question can use. */
  worst(consult: ModelConsult, facts: Facts): TokensUsed;
}

/** What a consult that did not answer leaves: nobody's yes, or with a model what the other checks say. */
export function unanswered(
  consult: Consult,
  { tool }: Pick<Facts, 'tool'>,
  why: string,
  code: Extract<ConsultAnswer['code'], 'CONSULT_FAILED' | 'CONSULT_BUDGET'> = CONSULT_CODES.failed,
): ConsultAnswer {
  const { name } = consult;
  const isUndoable = tool?.effect === 'read' || tool?.reversibility === 'exercised';
  const ceiling = consult.kind === 'authzen' ? 'deny' : isUndoable ? 'auto' : 'approve';
  const words = code === CONSULT_CODES.budget ? 'was not asked' : 'did not answer as it must';
  return { consult: name, ceiling, code, reason: `\`${name}\` ${words}: ${why}` };
}

export const NO_CONSULTS: ConsultDesk = {
  ask: async (consult, facts) => unanswered(consult, facts, 'nothing here can ask it'),
  closed: () => null,
  worst: () => ({ tokensIn: 0, tokensOut: 0 }),
};

/** Those that are to be asked about an action of this tool. */
export function consultsFor({ bundle, tool }: Pick<Facts, 'bundle' | 'tool'>): readonly Consult[] {
  if (bundle.consults === undefined || tool === null) return NOBODY;
  return bundle.consults.filter(
    ({ about, tools }) =>
      about.includes(tool.effect) && (tools === undefined || tools.includes(tool.name)),
  );
}

const NOBODY: readonly Consult[] = [];

/** The operator of the story, over the operators' listener as any other: a setup code, then a key, then plain HTTP. */
import type { HaltReport } from '../../src/broker/broker.ts';
import type { AskView } from '../../src/surfaces/admin/ask-view.ts';
import { until } from './target.ts';

export interface Operator {
  readonly url: string;
  readonly key: string;
  setSecret(name: string, value: string): Promise<void>;
  /** Plans the file and applies what was planned; answers with what it would widen. */
  planAndApply(text: string): Promise<{ readonly widenings: readonly string[] }>;
  /** @returns the agent's secret. */
  enrol(agent: string): Promise<string>;
  /** The next ask that waits for an answer. */
  nextAsk(): Promise<AskView>;
  approve(ask: AskView): Promise<void>;
  /** Approves whatever is parked until `work` is over: a human who always says yes. */
  approvingAll<Result>(work: Promise<Result>): Promise<Result>;
  halt(scope: string, reason: string): Promise<HaltReport>;
}

const PATIENCE_MS = 30_000;

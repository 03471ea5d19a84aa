/** Everything of one campaign: two targets, the process that is killed, an operator, an agent, and what both were told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Box } from './box.ts';
import type { Told } from './figures.ts';
import { claimOperator, type Operator } from './operator.ts';
import { configText, type Proposal } from './proposals.ts';
import { type HttpTarget, startHttpTarget } from './target-http.ts';
import { type PostgresTarget, startPostgresTarget } from './target-postgres.ts';
import { closeConnections } from './wire.ts';

export interface World {
  readonly directory: string;
  readonly box: Box;
  readonly postgres: PostgresTarget;
  readonly http: HttpTarget;
  readonly operator: Operator;
  readonly agentSecret: string;
  /** Every proposal ever made, by its marker. */
  readonly proposals: Map<string, Proposal>;
  readonly told: {
    -readonly [K in keyof Told]: Told[K] extends ReadonlySet<infer V>
      ? Set<V>
      : Map<string, number>;
  };
  /** How often each answer was heard. */
  readonly heard: Map<string, number>;
  effects(): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-crash-'));
  const directory = join(folder, 'signalbox');
  const box = new Box(directory);
  const [postgres, http] = await Promise.all([startPostgresTarget(), startHttpTarget()]);
  const stop = async (): Promise<void> => {
    box.abandon();
    await closeConnections();
    await http.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    box.start();
    const { operatorsUrl, setupCode } = await box.up();
    const operator = await claimOperator(operatorsUrl, setupCode ?? '');
    await operator.secret(operatorsUrl, 'db-broker', postgres.broker.password);
    await operator.planAndApply(operatorsUrl, configText(postgres, http));
    const agentSecret = await operator.enrol(operatorsUrl, 'load');
    return {
      directory,
      box,
      postgres,
      http,
      operator,
      agentSecret,
      proposals: new Map(),
      told: { done: new Set(), reads: new Map(), approvals: new Set() },
      heard: new Map(),
      effects: async () => new Map([...(await postgres.effects()), ...http.effects]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

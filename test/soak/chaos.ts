/** What goes wrong and is done on purpose during a soak, one thing after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { VICTIM } from '../drill/config.ts';
import type { Deployment } from '../drill/deployment.ts';
import type { Desk } from '../drill/desk.ts';

export interface Chaos {
  readonly halts: number;
  readonly kills: number;
  readonly storeRestarts: number;
  /** How long a replica that was killed took to serve again, at worst. */
  readonly slowestRestartMs: number;
  readonly faults: readonly string[];
}

const PAUSE_MS = 4_000;
/** Never killed: its memory is watched. */
const KEPT_REPLICA = 0;

export async function makeChaos(
  d: Deployment,
  desk: Desk,
  until: number,
  tell: (line: string) => void,
): Promise<Chaos> {
  const chaos = {
    halts: 0,
    kills: 0,
    storeRestarts: 0,
    slowestRestartMs: 0,
    faults: [] as string[],
  };
  for (let turn = 0; ; turn++) {
    await sleep(PAUSE_MS);
    if (Date.now() > until) return chaos;
    try {
      await [halting, killing, halting, restarting][turn % 4]?.(d, desk, turn, chaos);
    } catch (error) {
      chaos.faults.push(error instanceof Error ? error.message : String(error));
    }
    if (turn % 12 === 11)
      tell(
        `${chaos.halts} halts, ${chaos.kills} kills, ${chaos.storeRestarts} restarts of the store`,
      );
  }
}

type Tally = { -readonly [K in keyof Chaos]: Chaos[K] };

/** An agent, or only one of its tools; lifted again. */
async function halting(d: Deployment, desk: Desk, turn: number, chaos: Tally): Promise<void> {
  const scope = turn % 8 < 4 ? `agent:${VICTIM}` : 'tool:mark_other';
  await desk.halt(d.operatorsUrl(turn), scope, 'soak');
  chaos.halts++;
  await sleep(500);
  await desk.resume(d.operatorsUrl(turn + 1), scope, 'soak');
}

async function killing(d: Deployment, _desk: Desk, turn: number, chaos: Tally): Promise<void> {
  const which = 1 + (Math.floor(turn / 4) % (d.replicas.length - 1));
  const replica = d.replicas[which === KEPT_REPLICA ? 1 : which];
  if (replica === undefined) return;
  await replica.kill();
  chaos.kills++;
  const from = performance.now();
  await replica.up();
  chaos.slowestRestartMs = Math.max(chaos.slowestRestartMs, Math.round(performance.now() - from));
}

async function restarting(d: Deployment, _desk: Desk, turn: number, chaos: Tally): Promise<void> {
  if (turn % 8 === 3) await d.store.restart();
  else {
    await d.store.kill9();
    await d.store.restart();
  }
  chaos.storeRestarts++;
}

/** Every task once as it was, and every task with every attack. */
import type { House } from './house.ts';
import { type AttackScore, type BenignScore, type Player, playAttack, playBenign } from './play.ts';
import type { Round, SuiteRound } from './report.ts';
import type { Suite } from './suites.ts';
import { stage, TRANSFORMS } from './transforms.ts';

export interface Wanted {
  readonly transform: string | null;
  readonly scoped: boolean;
  /** One pair in so many. */
  readonly every: number;
  readonly mutation: string | null;
}

export async function playRound(
  house: House,
  suites: readonly Suite[],
  { transform, scoped, every }: Wanted,
): Promise<Round> {
  const latencies: number[] = [];
  // each suite has a house and a server of its own
  const playing = suites.map(async (suite): Promise<SuiteRound> => {
    let pair = 0;
    const player: Player = { house, suite, scoped, latencies };
    const benign: (BenignScore & { id: string })[] = [];
    const attacks: (AttackScore & { id: string })[] = [];
    if (transform === null)
      for (const [i, task] of suite.tasks.entries())
        if (every < 12 || i % 3 === 0)
          benign.push({ id: task.id, ...(await playBenign(player, task)) });
    for (const task of suite.tasks)
      for (const attack of suite.attacks) {
        if (pair++ % every !== 0) continue;
        const change = transform === null ? null : TRANSFORMS[transform];
        const staged = stage(attack);
        const shown = change?.(staged, { suite, task }) ?? staged;
        const score = await playAttack(player, task, shown);
        attacks.push({ id: `${task.id}/${attack.id}`, ...score });
      }
    return { name: suite.name, benign, attacks };
  });
  return { bySuite: await Promise.all(playing), latencies };
}

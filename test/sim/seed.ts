import { Life } from './life.ts';
import { controls, liveness, safety } from './phases.ts';
import type { PlantName } from './plants.ts';
import type { Tally, Violation } from './world.ts';

export interface SeedReport {
  readonly seed: number;
  readonly violation: Violation | null;
  /** Hash of everything that happened: the same seed gives the same. */
  readonly trace: string;
  readonly lines: number;
  readonly last: readonly string[];
  readonly tally: Tally;
}

/** Lives one seed: safety under faults, liveness without, controls, and the whole ledger at the end. */
export async function runSeed(seed: number, planted: PlantName | null = null): Promise<SeedReport> {
  const life = new Life(seed, planted);
  const { world, disk } = life;
  const astray = (error: unknown): void =>
    world.broken('no_internal_fault', `a rejection that nobody caught: ${String(error)}`);
  process.on('unhandledRejection', astray);
  try {
    await life.prepare();
    for (const phase of [safety, liveness, controls])
      if (world.violation === null) await phase(life);
    if (world.violation === null) await disk.verify();
  } finally {
    process.off('unhandledRejection', astray);
    disk.close();
  }
  world.trace.add(`end ${world.random.next()} ${JSON.stringify(world.tally)}`);
  const { trace, violation, tally } = world;
  return {
    ...{ seed, violation, tally, lines: trace.lines },
    ...{ trace: trace.digest(), last: trace.last() },
  };
}

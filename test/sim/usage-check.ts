import type { Disk } from './disk.ts';
import type { Model } from './model.ts';
import type { World } from './world.ts';

/** What the store says is spent and reserved against what the committed ops add up to. */
export function checkUsage(world: World, model: Model, disk: Disk): void {
  const keys = [...new Set([...model.usage.keys()].map((name) => name.split('\n')[0] as string))];
  if (keys.length === 0) return;
  for (const { key, dimension, posted, pending } of disk.usage(keys)) {
    const told = model.lineOf(key, dimension);
    if (told.posted === posted && told.pending === pending) continue;
    world.broken(
      'spent_plus_pending_le_limit',
      `${dimension} of ${key}: the store has ${posted} spent, ${pending} reserved; its intents and outcomes make ${told.posted} and ${told.pending}`,
    );
  }
}

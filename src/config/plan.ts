import type { Bundle } from '../domain/bundle.ts';
import { type Change, changesBetween } from './changes.ts';
import { compileBundle, type Inspection } from './compile.ts';
import type { Config } from './config.ts';
import { wideningsOf } from './widenings.ts';

/** What applying would change. Making one changes nothing: only an operator's `apply` does. */
export interface Plan {
  readonly bundle: Bundle;
  /** Digest of the bundle it was compared with; `apply` refuses when another is active by then. */
  readonly base: string;
  readonly changes: readonly Change[];
  /** Everything that gives more authority, in words; an owner must apply it. Empty: nothing does. */
  readonly widenings: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Compares what a file proposes with what is active, against the live systems. The same input gives the same plan.
 * Throws ConfigProblems; nothing is guessed about a system that does not answer.
 */
export async function planBundle(
  config: Config,
  { active, ...inspection }: Inspection & { readonly active: Bundle },
): Promise<Plan> {
  const { bundle, warnings } = await compileBundle(config, inspection);
  const changes = changesBetween(active, bundle, wideningsOf(active, bundle));
  const widenings = changes.flatMap(({ widens }) => widens);
  return { bundle, base: active.digest, changes, widenings, warnings };
}

import type { Bundle, Connection } from '../domain/bundle.ts';
import { canonical, type JsonObject } from '../domain/json.ts';
import type { Inspection } from './asking.ts';
import { type Change, changesBetween } from './changes.ts';
import { compileBundle } from './compile.ts';
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

/** Against what a plan is made, and what it may touch for that. */
export interface Planning extends Omit<Inspection, 'mayAsk'> {
  readonly active: Bundle;
  /** Servers that may be started or called though they were never applied as the file has them; none unless said. */
  readonly inspect?: readonly string[] | 'all';
}

/**
 * Compares what a file proposes with what is active, against the live systems. The same input gives the same plan.
 * Throws ConfigProblems; nothing is guessed about a system that does not answer.
 */
export async function planBundle(
  config: Config,
  { active, inspect = [], ...inspection }: Planning,
): Promise<Plan> {
  const isApplied = (connection: Connection, launch: JsonObject | null): boolean => {
    if (!Object.hasOwn(active.connections, connection.name)) return false;
    const { pins, ...applied } = active.connections[connection.name] as Connection;
    const swapped = pins?.launch !== undefined && canonical(pins.launch) !== canonical(launch);
    return canonical(applied) === canonical(connection) && !swapped;
  };
  const { bundle, warnings } = await compileBundle(config, {
    ...inspection,
    mayAsk: (connection, launch) =>
      inspect === 'all' || inspect.includes(connection.name) || isApplied(connection, launch),
  });
  const changes = changesBetween(active, bundle, wideningsOf(active, bundle));
  const widenings = changes.flatMap(({ widens }) => widens);
  return { bundle, base: active.digest, changes, widenings, warnings };
}

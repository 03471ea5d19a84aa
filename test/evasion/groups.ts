/** Every group of the evasion suite. */
import type { Group } from './group.ts';
import { sqlArguments } from './sql-arguments.ts';

export const GROUPS: readonly Group[] = [sqlArguments];

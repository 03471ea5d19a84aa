/** Every group of the evasion suite. */
import type { Group } from './group.ts';
import { sqlArguments } from './sql-arguments.ts';
import { sqlQuery } from './sql-query.ts';

export const GROUPS: readonly Group[] = [sqlArguments, sqlQuery];

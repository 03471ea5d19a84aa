/** Every group of the evasion suite. */
import { argv } from './argv.ts';
import { egress } from './egress.ts';
import type { Group } from './group.ts';
import { httpArguments } from './http-arguments.ts';
import { sqlArguments } from './sql-arguments.ts';
import { sqlQuery } from './sql-query.ts';

export const GROUPS: readonly Group[] = [sqlArguments, sqlQuery, httpArguments, egress, argv];

/** Every group of the evasion suite. */
import { argv } from './argv.ts';
import { egress } from './egress.ts';
import type { Group } from './group.ts';
import { httpArguments } from './http-arguments.ts';
import { mcpNarrow } from './mcp-narrow.ts';
import { sqlArguments } from './sql-arguments.ts';
import { sqlFunction } from './sql-function.ts';
import { sqlQuery } from './sql-query.ts';
import { sqlite } from './sqlite.ts';

export const GROUPS: readonly Group[] = [
  sqlArguments,
  sqlFunction,
  sqlQuery,
  sqlite,
  httpArguments,
  egress,
  argv,
  mcpNarrow,
];

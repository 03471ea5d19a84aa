import { migration0001 } from './0001.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [migration0001];

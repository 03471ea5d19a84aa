/** Which scenarios a revision of the protocol scores: read from the pinned suite itself. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export type Revision = '2025-11-25' | '2026-07-28';
export type Side = 'server' | 'client';

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url),
);
export const SUITE_PROGRAM = `${SUITE}dist/index.js`;

export function scored(revision: Revision, side: Side): readonly string[] {
  const set = parse(readFileSync(`${SUITE}requirements/${revision}.yaml`, 'utf8'));
  const names: unknown = set?.[side];
  if (!Array.isArray(names) || names.length === 0)
    throw new Error(`the suite scores nothing for ${side} of ${revision}`);
  return names.map(String);
}

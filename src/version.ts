import { readFileSync } from 'node:fs';

/** Of package.json, in a checkout and when published. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return String((manifest as { version?: unknown }).version);
}

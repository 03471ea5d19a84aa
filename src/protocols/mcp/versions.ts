/** The revision without handshake or session: every request carries what it needs. */
export const MODERN_VERSION = '2026-07-28';

/** Revisions that open with `initialize`, newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

export const SUPPORTED_VERSIONS: readonly string[] = [MODERN_VERSION, ...LEGACY_VERSIONS];

/** What a legacy request without `MCP-Protocol-Version` speaks; the header came later. */
export const UNNAMED_VERSION = '2025-03-26';

export function isLegacyVersion(version: string): boolean {
  return (LEGACY_VERSIONS as readonly string[]).includes(version);
}

/** The revision an `initialize` is answered with: the one asked for, or our newest that has a handshake. */
export function negotiated(requested: unknown): string {
  return typeof requested === 'string' && isLegacyVersion(requested)
    ? requested
    : LEGACY_VERSIONS[0];
}

/** JSON-RPC batches existed in the first two revisions only. */
export function allowsBatches(version: string): boolean {
  return version === '2025-03-26' || version === '2024-11-05';
}

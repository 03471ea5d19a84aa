import type { Connection } from '../domain/bundle.ts';
import type { Lease } from '../domain/credential.ts';

/** Looks up where leases come from that are not in `known`, so that what ends at one source ends there at one moment. */
export async function addSources(
  known: Map<string, Connection>,
  leases: readonly Lease[],
  connection: (name: string) => Promise<Connection | null>,
): Promise<void> {
  const strange = leases.filter(({ id }) => !known.has(id));
  for (const name of new Set(strange.map((lease) => lease.connection))) {
    const source = await connection(name).catch(() => null);
    if (source === null) continue; // whoever ends it asks again, and tells
    for (const lease of strange) if (lease.connection === name) known.set(lease.id, source);
  }
}

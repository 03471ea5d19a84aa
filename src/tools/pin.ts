import type { Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';

/** What approvals and pins are bound to: everything a tool is, and nothing else. */
export function toolDigest(tool: Omit<Tool, 'digest'>): string {
  const { name, description, connection, inputSchema, effect, reversibility, idempotent } = tool;
  const { recoveryPath, cap, maxResultBytes, timeoutMs, binding, derivation } = tool;
  const { offers, listing, environment, lineage, pollingMs, undo, preview, staging } = tool;
  return digestOf('tool', {
    name,
    description,
    connection,
    inputSchema,
    effect,
    reversibility,
    idempotent,
    recoveryPath,
    cap,
    maxResultBytes,
    timeoutMs,
    binding,
    derivation,
    ...(offers === undefined ? {} : { offers }),
    ...(listing === undefined ? {} : { listing }),
    ...(environment === undefined ? {} : { environment }),
    ...(lineage === undefined ? {} : { lineage }),
    ...(pollingMs === undefined ? {} : { pollingMs }),
    ...(undo === undefined ? {} : { undo }),
    ...(preview === undefined ? {} : { preview }),
    ...(staging === undefined ? {} : { staging }),
  });
}

export function pinned(tool: Omit<Tool, 'digest'>): Tool {
  return { ...tool, digest: toolDigest(tool) };
}

/** What a server says to its clients before anything else, by its SHA-256; null where it says nothing. */
export function instructionsDigest(instructions: string | null): string | null {
  return instructions === null || instructions === ''
    ? null
    : digestOf('mcp/instructions', instructions);
}

import type { Bundle, Connection, Tool } from '../../domain/bundle.ts';
import { effectVector } from '../../domain/effect.ts';
import type { Facts } from '../../domain/facts.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Policies } from '../../domain/policy.ts';
import type { Run } from '../../domain/run.ts';

/** A bundle with three tools at one production database, and facts about calls of them. */

export const NOW = Date.UTC(2026, 10, 30, 9, 30); // a Monday

export function toolOf(name: string, more: Partial<Tool> = {}): Tool {
  return {
    name,
    description: 'a tool',
    connection: 'db',
    inputSchema: { type: 'object' },
    effect: 'write',
    reversibility: 'exercised',
    idempotent: true,
    recoveryPath: false,
    cap: effectVector({ calls: 1, rowsWritten: 10 }),
    maxResultBytes: 1_000,
    timeoutMs: 1_000,
    binding: {},
    derivation: [],
    digest: name,
    ...more,
  };
}

export const PAY_INPUT: JsonObject = {
  type: 'object',
  required: ['amount', 'to'],
  properties: {
    amount: { type: 'number' },
    to: { type: 'string' },
    note: { type: ['string', 'null'] },
    count: { type: 'integer' },
  },
};

const TOOLS: readonly Tool[] = [
  toolOf('look', { effect: 'read' }),
  toolOf('pay', { inputSchema: PAY_INPUT }),
  toolOf('drop', { effect: 'destroy' }),
];

const DB: Connection = { name: 'db', kind: 'postgres', environment: 'production', settings: {} };

export function bundleOf(
  policies: Policies | undefined,
  { tools = TOOLS, connection = DB }: { tools?: readonly Tool[]; connection?: Connection } = {},
): Bundle {
  return {
    digest: 'bundle',
    format: 1,
    organisation: { name: 'acme', domains: [] },
    connections: { [connection.name]: connection },
    tools: Object.fromEntries(tools.map((tool) => [tool.name, tool])),
    agents: {},
    grants: [],
    limits: {},
    approvalMinutes: 60,
    ...(policies === undefined ? {} : { policies }),
  };
}

export const RUN: Run = {
  id: 'run_1',
  root: 'run_1',
  parent: null,
  depth: 0,
  agent: 'ann',
  intent: 'pay the bills',
  state: 'live',
  startedAt: NOW - 5_000,
  expiresAt: NOW + 1_000_000,
  endedAt: null,
  budget: {},
  tools: null,
  actsFor: [],
};

export function factsOf(bundle: Bundle, tool: string, more: Partial<Facts> = {}): Facts {
  const held = bundle.tools[tool] ?? null;
  return {
    now: NOW,
    stamp: { halt: 0, bundle: bundle.digest },
    bundle,
    run: RUN,
    halts: [],
    haltedCredentials: [],
    toolName: tool,
    tool: held,
    connection: bundle.connections[held?.connection ?? ''] ?? null,
    rung: 'auto',
    arguments: {},
    argumentsDigest: 'digest',
    continuation: null,
    removes: null,
    inputProblems: [],
    limits: [],
    approval: null,
    unknownRepeat: null,
    firings: [],
    consulted: [],
    lineage: null,
    policy: null,
    measured: null,
    ...more,
  };
}

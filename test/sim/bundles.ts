import { type Bundle, bundleDigest, type Connection, type Tool } from '../../src/domain/bundle.ts';
import { digestOf } from '../../src/domain/digest.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Random } from './random.ts';

export const AGENTS = ['ann', 'bob'] as const;
export const CONNECTIONS = ['db', 'api'] as const;
/** What agents ask for: the last three are never allowed. */
export const ASKED = {
  ...{ look: 6, fetch: 4, change: 6, wipe: 4, send: 5, bump: 8, shove: 2 },
  ...{ secret: 1, nowhere: 1, backup: 1 },
};

const INPUT = {
  type: 'object',
  properties: { target: { type: 'string' }, rows: { type: 'integer', minimum: 0, maximum: 50 } },
  required: ['target'],
  additionalProperties: false,
};

const CAPS = {
  read: effectVector({ calls: 1, rowsRead: 10 }),
  write: effectVector({ calls: 1, rowsWritten: 5 }),
  destroy: effectVector({ calls: 1, rowsDeleted: 5, irreversible: 1 }),
};

function tool(name: string, effect: Tool['effect'], more: Partial<Tool> = {}): Tool {
  const made = {
    ...{ name, description: name, connection: 'db', inputSchema: INPUT, effect },
    ...{ reversibility: 'none' as const, idempotent: false, recoveryPath: false },
    ...{ cap: CAPS[effect], maxResultBytes: 10_000, timeoutMs: 5_000 },
    ...{ binding: {}, derivation: [], ...more },
  };
  return { ...made, digest: digestOf('tool', made) };
}

const AUTO = { reversibility: 'exercised', idempotent: true } as const;
const TOOLS: readonly Tool[] = [
  tool('look', 'read'),
  tool('fetch', 'read', { connection: 'api' }),
  tool('change', 'write'),
  tool('wipe', 'destroy'),
  tool('send', 'write', { connection: 'api' }),
  tool('bump', 'write', AUTO),
  tool('shove', 'write', { reversibility: 'declared', idempotent: true }),
  tool('secret', 'read'),
  tool('backup', 'destroy', { recoveryPath: true }),
];

function connection(name: string, more: Partial<Connection> = {}): Connection {
  const issuer = name === 'db' ? 'sim-role' : 'sim-secret';
  return { name, kind: `sim-${name}`, environment: 'production', settings: {}, issuer, ...more };
}

const RUNGS: {
  readonly [agent: string]: { readonly [tool: string]: 'read' | 'draft' | 'approve' | 'auto' };
} = {
  ann: {
    look: 'read',
    fetch: 'read',
    change: 'approve',
    wipe: 'approve',
    send: 'approve',
    bump: 'auto',
    shove: 'auto',
    backup: 'approve',
  },
  bob: {
    look: 'approve',
    fetch: 'read',
    change: 'draft',
    wipe: 'read',
    send: 'approve',
    bump: 'auto',
  },
};

function base(isLoose: boolean): Omit<Bundle, 'digest'> {
  const day = { rowsWritten: 60, rowsDeleted: 20 };
  return {
    format: 1,
    organisation: { name: 'o', domains: [] },
    connections: { db: connection('db'), api: connection('api') },
    tools: Object.fromEntries(TOOLS.map((made) => [made.name, made])),
    agents: Object.fromEntries(AGENTS.map((name) => [name, { name, owner: 'dana@acme.example' }])),
    grants: AGENTS.flatMap((agent) =>
      Object.entries(RUNGS[agent] ?? {}).map(([name, rung]) => ({ agent, tool: name, rung })),
    ),
    limits: isLoose
      ? { run: { calls: 5_000, rowsRead: 50_000 } }
      : { run: { calls: 45, rowsWritten: 25, rowsRead: 400 }, agentDay: day },
    approvalMinutes: 10,
  };
}

function sealed(contents: Omit<Bundle, 'digest'>): Bundle {
  return { ...contents, digest: bundleDigest(contents) };
}

/** The first bundle of a life, and the others that may be applied over it. */
export function bundlesOf(isLoose: boolean): readonly Bundle[] {
  const known = kept.get(isLoose);
  if (known !== undefined) return known;
  const b = base(isLoose);
  const narrower = { run: { calls: 20, rowsWritten: 10, rowsRead: 100 } };
  const made = [
    b,
    { ...b, tools: { ...b.tools, change: tool('change', 'write', { description: 'changed' }) } },
    { ...b, limits: narrower },
    { ...b, grants: b.grants.filter(({ tool: name }) => name !== 'wipe' && name !== 'bump') },
    { ...b, connections: { ...b.connections, db: connection('db', { settings: { host: 'b' } }) } },
    { ...b, approvalMinutes: 1 },
  ].map(sealed);
  kept.set(isLoose, made);
  return made;
}

const kept = new Map<boolean, readonly Bundle[]>();

export function anotherBundle(random: Random, isLoose: boolean, active: string): Bundle {
  return random.pick(bundlesOf(isLoose).filter(({ digest }) => digest !== active));
}

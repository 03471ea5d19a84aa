/** The tools of this test, and proposals whose one effect can be told from every other's at the target. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/domain/json.ts';
import type { HttpTarget } from './target-http.ts';
import { type PostgresTarget, SLOTS } from './target-postgres.ts';

export interface Proposal {
  readonly tool: 'add_mark' | 'hit_slot' | 'post_mark';
  readonly args: JsonObject;
  readonly marker: string;
}

export const WRITES = ['add_mark', 'hit_slot', 'post_mark'] as const;
export const READS = ['get_slot', 'get_mark'] as const;

export function addMark(): Proposal {
  const marker = randomUUID();
  return { tool: 'add_mark', args: { marker }, marker };
}

export function postMark(): Proposal {
  const marker = randomUUID();
  return { tool: 'post_mark', args: { marker }, marker };
}

let lastSlot = 0;

export function hitSlot(): Proposal {
  const slot = ++lastSlot;
  if (slot > SLOTS) throw new Error('every slot was used');
  return { tool: 'hit_slot', args: { slot }, marker: `slot-${slot}` };
}

/** The marker that an execution of this call leaves; null for calls that leave none. */
export function markerOf(tool: string, args: JsonObject): string | null {
  if (tool === 'hit_slot') return `slot-${args.slot}`;
  return tool === 'add_mark' || tool === 'post_mark' ? String(args.marker) : null;
}

export const LIMITS = {
  run: { calls: 3_000, rowsWritten: 400 },
  agentDay: { calls: 500_000, rowsWritten: 50_000 },
} as const;

/** Runs of the narrow agent bring so little that they reach their limit. */
export const NARROW_BUDGET = { rowsWritten: 4 } as const;

export function configText(postgres: PostgresTarget, http: HttpTarget): string {
  return `
version: 1
organisation: { name: crash }
loops: off
connections:
  db:
    kind: postgres
    host: ${postgres.host}
    port: ${postgres.port}
    database: ${postgres.database}
    user: ${postgres.broker.user}
    secret: db-broker
  marks:
    kind: http
    url: ${http.url}
    allowPrivate: true
tools:
  add_mark:
    connection: db
    description: Adds a mark
    sql: insert into marks (marker) values (:marker)
    input: { marker: { type: string } }
  hit_slot:
    connection: db
    description: Hits a slot
    sql: update slots set hits = hits + 1 where id = :slot
    input: { slot: { type: integer } }
  get_slot:
    connection: db
    description: Reads a slot
    sql: select id, hits from slots where id = :slot
    input: { slot: { type: integer } }
  post_mark:
    connection: marks
    description: Leaves a mark
    http: { method: POST, path: /marks, body: { marker: "{marker}" } }
    input: { marker: { type: string } }
  get_mark:
    connection: marks
    description: Looks for a mark
    http: { method: GET, path: "/marks/{marker}" }
    input: { marker: { type: string } }
agents:
  load: { owner: dana@acme.example }
grants:
  - { agent: load, tools: [get_slot, get_mark], rung: read }
  - { agent: load, tools: [add_mark, hit_slot, post_mark], rung: approve }
limits: ${JSON.stringify(LIMITS)}
approvals: { minutes: 60 }
`;
}

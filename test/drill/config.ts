/** What is configured for a drill: one agent that will be halted, one that must not notice, and tools that only one of them holds. */
import { join } from 'node:path';
import type { Limits } from '../../src/domain/bundle.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Canary, Who } from './canary.ts';

export const VICTIM = 'canary';
export const BYSTANDER = 'bystander';
const LIMITS: Limits = {
  run: { calls: 200_000, rowsWritten: 2_000 },
  agentDay: { calls: 5_000_000, rowsWritten: 200_000 },
};

/** A call by its tool and arguments. */
export interface Wish {
  readonly tool: string;
  readonly args: JsonObject;
}

export const readRow = (who: Who): Wish => ({ tool: `read_${who}`, args: { id: 7 } });
export const getPage = (who: Who): Wish => ({ tool: `get_${who}`, args: { page: 'front' } });
export const getSlowly = (page: string): Wish => ({ tool: 'get_slowly', args: { page } });
export const linger = (who: Who): Wish => ({ tool: `linger_${who}`, args: {} });
export const touch = (who: Who): Wish => ({ tool: `touch_${who}`, args: {} });
export const hitSlot = (slot: number): Wish => ({ tool: 'hit_slot', args: { slot } });
export const addMark = (who: Who, marker: string): Wish => ({
  tool: `mark_${who}`,
  args: { marker },
});

function toolsOf(who: Who): string {
  return `
  read_${who}:
    connection: db
    description: Reads a row
    sql: select note from ${who}_rows where id = :id
    input: { id: { type: integer } }
  mark_${who}:
    connection: db
    description: Leaves a mark
    sql: insert into ${who}_marks (marker) values (:marker)
    input: { marker: { type: string } }
  get_${who}:
    connection: pages
    description: Gets a page
    http: { method: GET, path: "/${who}/{page}" }
    input: { page: { type: string } }`;
}

function stdioOf(who: Who, notes: string): string {
  const command = [process.execPath, join(import.meta.dirname, 'stdio-tool.ts'), notes, who];
  return `
  stdio-${who}:
    kind: mcp
    command: ${JSON.stringify(command)}
    toolPrefix: ''
    serve: { tools: { linger_${who}: read, touch_${who}: read } }`;
}

export function configText(canary: Canary, limits: Limits = LIMITS): string {
  return `
version: 1
organisation: { name: drill }
loops: off
connections:
  db:
    kind: postgres
    host: ${canary.host}
    port: ${canary.port}
    database: ${canary.database}
    user: ${canary.broker.user}
    secret: db-broker
  pages:
    kind: http
    url: ${canary.url}
    allowPrivate: true${stdioOf('victim', canary.notes)}${stdioOf('other', canary.notes)}
tools:${toolsOf('victim')}${toolsOf('other')}
  hit_slot:
    connection: db
    description: Hits a slot
    sql: update victim_slots set hits = hits + 1 where id = :slot
    input: { slot: { type: integer } }
  get_slowly:
    connection: pages
    description: Gets a page that takes long
    http: { method: GET, path: "/victim/slow/{page}" }
    input: { page: { type: string } }
agents:
  ${VICTIM}: { owner: dana@acme.example }
  ${BYSTANDER}: { owner: dana@acme.example }
grants:
  - { agent: ${VICTIM}, tools: [read_victim, get_victim, get_slowly, linger_victim, touch_victim], rung: read }
  - { agent: ${VICTIM}, tools: [mark_victim, hit_slot], rung: approve }
  - { agent: ${BYSTANDER}, tools: [read_other, get_other, linger_other, touch_other], rung: read }
  - { agent: ${BYSTANDER}, tools: [mark_other], rung: approve }
limits: ${JSON.stringify(limits)}
approvals: { minutes: 60 }
`;
}

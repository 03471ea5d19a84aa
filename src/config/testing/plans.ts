import assert from 'node:assert/strict';
import { type Bundle, EMPTY_BUNDLE, type Tool } from '../../domain/bundle.ts';
import type { Derived, Inspector } from '../../domain/connector.ts';
import { loadConfig } from '../load.ts';
import { type Plan, planBundle } from '../plan.ts';

/** Stands for a database: it classes by the first word of the statement. */
export function inspector(
  kind: string,
  over: (draft: Tool) => Partial<Derived> = () => ({}),
): Inspector {
  return {
    kind,
    async derive(draft) {
      const text = String(draft.binding.sql ?? draft.binding.method).toLowerCase();
      const effect = /^(?:select|get)/.test(text)
        ? 'read'
        : text.startsWith('delete')
          ? 'destroy'
          : 'write';
      return {
        effect,
        recoveryPath: false,
        idempotent: effect === 'read',
        binding: { ...draft.binding, tables: ['t'] },
        derivation: [`it begins with \`${text.split(' ')[0]}\``],
        ...over(draft),
      };
    },
    async prepare() {
      throw new Error('a plan prepares nothing');
    },
  };
}

export const inspectors = (...own: Inspector[]) =>
  new Map([inspector('postgres'), inspector('http'), ...own].map((each) => [each.kind, each]));

export const BASE = `version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  db: { kind: postgres, host: db.acme.example, database: d, user: u, secret: s }
  api: { kind: http, url: "https://api.elsewhere.example" }
tools:
  get:
    connection: db
    description: one
    sql: select a from t where id = :id
    input: { id: { type: integer, minimum: 1 } }
    cap: { rowsRead: 5 }
    maxResultBytes: 1000
  set:
    connection: db
    description: one
    sql: update t set a = 1
    effect: destroy
  call: { connection: api, description: one, http: { method: GET, path: /x } }
  spare: { connection: db, description: one, sql: select 2 }
agents:
  bot: { owner: dana@acme.example }
  idle: { owner: dana@acme.example }
grants:
  - { agent: bot, tools: [get, call], rung: read }
  - { agent: bot, tools: [set], rung: draft }
limits:
  run: { calls: 200, rowsWritten: 10 }
approvals: { minutes: 30 }
`;

export function planOf(
  text: string,
  active: Bundle = EMPTY_BUNDLE,
  given = inspectors(),
): Promise<Plan> {
  return planBundle(loadConfig(text, 'signalbox.yaml'), { active, inspectors: given });
}

export const base = (await planOf(BASE)).bundle;
export const edited = (...edits: [string, string][]) =>
  edits.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, BASE);

/** What of a call is checking alone, in microseconds of this thread. */

import { Definitions, definitionDigest } from '../../src/connectors/mcp/definitions.ts';
import { guardQuery, guardReady } from '../../src/connectors/postgres/query-guard.ts';
import type { Tool } from '../../src/domain/bundle.ts';
import { effectVector } from '../../src/domain/effect.ts';
import { realDoors } from '../../src/doors.ts';
import { createInputCheck } from '../../src/tools/input.ts';
import { wholeArguments } from '../../src/tools/narrow/input.ts';
import { listedSchema } from '../../src/tools/narrow/listed.ts';
import type { Narrowing } from '../../src/tools/narrow/narrowing.ts';
import { argumentRecovery } from '../../src/tools/recovery-arguments.ts';
import { median } from '../toolcall/summary.ts';
import { QUERIES } from './queries.ts';

const ROUNDS = 2_000;
const WARM = 500;

const NARROWING: Narrowing = {
  upstream: {
    description: 'Creates an issue',
    inputSchema: {
      type: 'object',
      properties: {
        repo: { type: 'string' },
        project: { type: 'string' },
        title: { type: 'string', maxLength: 200 },
        labels: { type: 'array', items: { type: 'string', maxLength: 30 } },
        assignee: { type: 'string', format: 'email' },
        estimate: { type: 'integer', minimum: 0 },
        options: { type: 'object', properties: { notify: { type: 'boolean' }, note: {} } },
        draft: { type: 'boolean' },
      },
      required: ['repo', 'project', 'title'],
    },
  },
  fix: { repo: 'acme/site', '/options/notify': false },
  hide: ['draft'],
  narrow: {
    project: { enum: ['alpha', 'beta'] },
    title: { pattern: '[A-Z].*' },
    labels: { maxItems: 5, optional: true },
    estimate: { maximum: 100, optional: true },
  },
  key: null,
  project: null,
  maxItems: null,
};

const TOOL: Tool = {
  name: 'create_issue',
  description: 'Creates an issue',
  connection: 'tracker',
  inputSchema: listedSchema(NARROWING),
  effect: 'write',
  reversibility: 'none',
  idempotent: false,
  recoveryPath: false,
  cap: effectVector({ calls: 1 }),
  maxResultBytes: 10_000,
  timeoutMs: 10_000,
  binding: { mcp: 'tools/call', name: 'create_issue', narrow: NARROWING as never },
  derivation: [],
  digest: 'bench',
};
const ARGUMENTS = {
  project: 'alpha',
  title: 'Write it down',
  labels: ['a', 'b'],
  assignee: 'dana@acme.example',
  estimate: 3,
};

/** The pin of a definition compared, arguments held against a narrowed tool and made whole, looked through for harm. */
export async function pinCheckUs(): Promise<number> {
  const definition = { name: TOOL.name, inputSchema: NARROWING.upstream.inputSchema };
  const listed = new Definitions(
    async () => ({ items: [definition], ttlMs: 60_000 }) as never,
    realDoors().clock,
  );
  await listed.read();
  const pin = definitionDigest(definition);
  const check = createInputCheck();
  return timed(() => {
    if (!listed.fresh || listed.compare(TOOL.name, pin, null) !== 'same')
      throw new Error('not the pin');
    if (check(TOOL, ARGUMENTS).length > 0) throw new Error('not accepted');
    const whole = wholeArguments(TOOL, ARGUMENTS);
    if (whole.repo !== 'acme/site') throw new Error('not whole');
    if (argumentRecovery(TOOL, whole) !== null) throw new Error('not harmless');
  });
}

/** An agent's own query parsed, checked and put into ours. */
export async function guardedQueryUs(): Promise<number> {
  await guardReady;
  const tables = [
    {
      name: 'customers',
      schema: 'public',
      relation: 'customers',
      columns: ['id', 'name', 'city', 'plan', 'created_at'],
    },
    {
      name: 'orders',
      schema: 'public',
      relation: 'orders',
      columns: ['id', 'customer_id', 'amount_cents', 'status', 'created_at'],
    },
  ];
  let at = 0;
  return timed(() => void guardQuery(QUERIES[at++ % QUERIES.length] ?? '', tables, 101));
}

function timed(work: () => void): number {
  for (let i = 0; i < WARM; i++) work();
  const took: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const from = performance.now();
    work();
    took.push(performance.now() - from);
  }
  return median(took) * 1_000;
}

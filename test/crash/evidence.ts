/** Reads the ledger after everything has settled, with the product's own store, decrypted: which call led to what. */

import { loadMasterKey } from '../../src/credentials/master-key.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { ReadableEvent, Store } from '../../src/domain/store.ts';
import { realDoors } from '../../src/doors.ts';
import { verifyStore } from '../../src/store/sqlite/evidence.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Evidence } from './figures.ts';
import { markerOf } from './proposals.ts';

const PAGE = 1_000;
const DAY_MS = 86_400_000;

export async function readEvidence(
  directory: string,
  narrowRuns: ReadonlySet<string>,
): Promise<Evidence> {
  const doors = realDoors();
  const masterKey = await loadMasterKey(directory, doors.entropy);
  const { problems } = await verifyStore({ directory, masterKey });
  const store = await openSqliteStore({ directory, masterKey, doors });
  try {
    const actions = new Map<string, Evidence['actions'][number]>();
    const answered = new Set<string>();
    const chains = (await store.chains()).map(({ chain }) => chain);
    for (const chain of chains)
      for await (const event of eventsOf(store, chain)) fold(event, actions, answered);
    const now = doors.clock.now();
    const days = [now, now - DAY_MS].map((at) => new Date(at).toISOString().slice(0, 10));
    const keys = [...chains.map((id) => `run:${id}`), ...days.map((day) => `agent:load:${day}`)];
    return {
      actions: [...actions.values()],
      answered,
      usage: await store.usage(keys),
      ledgerProblems: problems,
      narrowRuns,
    };
  } finally {
    await store.close();
  }
}

async function* eventsOf(store: Store, chain: string): AsyncGenerator<ReadableEvent> {
  for (let after = 0; ; ) {
    const page = await store.timeline(chain, after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.seq;
  }
}

function fold(
  { chain, type, body: text, payload }: ReadableEvent,
  actions: Map<string, Evidence['actions'][number]>,
  answered: Set<string>,
): void {
  const body = JSON.parse(text) as JsonObject;
  if (type === 'approval.answered') answered.add(String(body.approval));
  const id = String(body.action);
  const known = actions.get(id);
  const read = type === 'action.read';
  if (read || (type === 'action.intent' && body.purpose === 'execute')) {
    const tool = String(body.tool);
    const marker = markerOf(tool, (payload?.arguments ?? {}) as JsonObject);
    actions.set(id, { run: chain, tool, marker, outcome: read ? String(body.outcome) : null });
  } else if (type === 'action.outcome' && known !== undefined)
    actions.set(id, { ...known, outcome: String(body.outcome) });
}

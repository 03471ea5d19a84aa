import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';
import { type Store, SYSTEM_CHAIN } from '../../src/domain/store.ts';

/**
 * What the ledger says of a scenario, as aligned text a human can review: ids, hashes and times are left out, everything
 * that decides is kept. Every record of every run, and the system chain from `after` on.
 */
export async function goldenLedger(
  store: Store,
  runs: ReadonlyMap<string, string>,
  after: number,
): Promise<string> {
  const names = new Map([...runs].map(([name, id]) => [`run:${id}`, `run:${name}`]));
  const lines: { at: number; order: number; text: string }[] = [];
  for (const [name, chain] of [...runs, [SYSTEM_CHAIN, SYSTEM_CHAIN] as const]) {
    const from = chain === SYSTEM_CHAIN ? after : 0;
    for (const event of await store.timeline(chain, from, 10_000)) {
      const body: unknown = JSON.parse(event.body);
      if (!isJsonObject(body) || HIDDEN.has(event.type) || isHaltedAttempt(event.type, body))
        continue;
      const scope = names.get(String(body.scope)) ?? body.scope;
      const text = lineOf(name, event.type, { ...body, ...(scope === undefined ? {} : { scope }) });
      lines.push({ at: event.at, order: lines.length, text });
    }
  }
  return `${lines.map(({ text }) => text).join('\n')}\n`;
}

/** Leases come and go by real time and concurrency; tokens are the surface's; anchors repeat what the runs' chains say. */
const HIDDEN = new Set([
  'lease.written',
  'token.issued',
  'token.renewed',
  'token.revoked',
  'ledger.note',
  'run.opened',
  'run.closed',
]);

/** Over MCP an attempt after a halt already ends at the revoked token, so only the in-process way leaves a record. */
function isHaltedAttempt(type: string, body: JsonObject): boolean {
  return type === 'action.denied' && because(body)?.split('+').includes('HALTED') === true;
}

function lineOf(chain: string, type: string, body: JsonObject): string {
  const told = [
    body.tool,
    under(body.actsFor),
    body.purpose === 'preview' ? 'preview' : undefined,
    body.mode,
    because(body),
    body.outcome,
    body.because,
    effect(body.measured),
    body.answer,
    body.cause,
    type.startsWith('halt') ? body.scope : undefined,
    body.by === 'act' ? undefined : body.by,
  ];
  return `${chain.padEnd(9)} ${type.padEnd(18)} ${told.filter((part) => typeof part === 'string').join('  ')}`.trimEnd();
}

/** Whom a sub-run acts for, nearest first. */
function under(actsFor: Json | undefined): string | undefined {
  if (!Array.isArray(actsFor) || actsFor.length === 0) return undefined;
  return `for ${actsFor.map((above) => (isJsonObject(above) ? above.agent : '')).join(', for ')}`;
}

function because(body: JsonObject): string | undefined {
  const verdicts = body.verdicts;
  if (!Array.isArray(verdicts)) return undefined;
  const held = verdicts.filter(
    (verdict): verdict is JsonObject =>
      isJsonObject(verdict) && verdict.ceiling === body.mode && verdict.code !== 'OK',
  );
  const told = held.map(({ code, would }) =>
    would === undefined ? String(code) : `${String(code)}(observed, would ${String(would)})`,
  );
  return told.length === 0 ? undefined : told.join('+');
}

function effect(measured: Json | undefined): string | undefined {
  if (!isJsonObject(measured)) return undefined;
  const counted = Object.entries(measured).filter(
    ([dimension, count]) => count !== 0 && dimension !== 'calls' && dimension !== 'rowsRead',
  );
  return counted.length === 0
    ? undefined
    : counted.map(([dimension, count]) => `${dimension}=${count}`).join(' ');
}

import type { KnownSecrets } from '../boundary/known-secrets.ts';
import { NO_SINK, type Notice, type Sink } from '../domain/connector.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Measured, Settlement, ToolResult } from '../domain/proposal.ts';

/*
 * What a target says is told to an agent, shown to a human and recorded. Connectors withhold the credential that they
 * called with; here goes whatever else this process holds, before any of the three. What is clean stays the very same. What was cut
 * short may end within a secret: what is left of that goes too.
 */

export function safeSettlement(known: KnownSecrets, settlement: Settlement): Settlement {
  switch (settlement.kind) {
    case 'done': {
      const result = safeResult(known, settlement.result);
      return result === settlement.result ? settlement : { kind: 'done', result };
    }
    case 'failed': {
      const { code, message, reply } = settlement;
      const said =
        reply === undefined
          ? {}
          : { reply: known.json(reply as unknown as JsonObject) as unknown as typeof reply };
      return { kind: 'failed', code, message: known.text(message, false), ...said };
    }
    case 'unknown':
      return { kind: 'unknown', message: known.text(settlement.message, false) };
    default:
      return settlement;
  }
}

function safeResult(known: KnownSecrets, result: ToolResult): ToolResult {
  const { text, wire, structured, wants, cut } = result;
  const safe = text === '' ? text : known.serialised(text, cut.length === 0);
  const safeWire = wire === undefined ? wire : memberText(known, wire);
  const safeWants = wants === undefined ? wants : known.json(wants as unknown as JsonObject);
  if (safe === text && safeWire === wire && safeWants === (wants as unknown)) return result;
  return {
    ...result,
    text: safe,
    ...(structured === undefined ? {} : { structured: known.json(structured) }),
    ...(safeWire === undefined ? {} : { wire: safeWire }),
    ...(safeWants === undefined
      ? {}
      : { wants: safeWants as unknown as NonNullable<typeof wants> }),
  };
}

/** Members of an object, serialised without their braces. */
function memberText(known: KnownSecrets, wire: string): string {
  const whole = `{${wire}}`;
  const safe = known.serialised(whole);
  return safe === whole ? wire : safe.slice(1, -1);
}

/** Rows as a human sees them and the ledger keeps them. */
export function safeMeasured<M extends Measured | null>(known: KnownSecrets, measured: M): M {
  if (measured === null || measured.images.length === 0) return measured;
  const images = known.json(measured.images as unknown as Json);
  return images === (measured.images as unknown)
    ? measured
    : ({ ...measured, images } as unknown as M);
}

/** What is told and asked on the way, piece by piece: a secret may begin in one and end in the next. */
export function safeSink(known: KnownSecrets, sink: Sink): Sink {
  if (sink === NO_SINK) return sink;
  let pieces: ReturnType<KnownSecrets['pieces']> | null = null; // most calls are told nothing on the way
  return {
    capabilities: sink.capabilities,
    logLevel: sink.logLevel,
    progress: sink.progress,
    tell: ({ method, params }: Notice) => {
      pieces ??= known.pieces();
      return sink.tell({ method, params: pieces(params) });
    },
    ask: (question) => sink.ask({ ...question, params: known.json(question.params) }),
  };
}

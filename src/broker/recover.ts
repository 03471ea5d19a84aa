import type { ProbeAnswer } from '../domain/connector.ts';
import type { ActionSettle } from '../domain/ops.ts';
import type { Settlement } from '../domain/proposal.ts';
import type { OpenAction } from '../domain/store.ts';
import type { Broker } from './broker.ts';

export interface Recovery {
  readonly settled: number;
  readonly unknown: number;
  readonly running: number;
}

/**
 * Settles intents without outcome: those of dead replicas, and those of this one that act() no longer flies. What act()
 * knew when the store did not take it is recorded as it was. Else, without a mark the flight never reached `finish`:
 * nothing happened, and should its replica wake, its mark is refused. With one the target is asked (`probe`). Never
 * retries an effect; `unknown` blocks a blind repeat.
 */
export async function recover(broker: Broker): Promise<Recovery> {
  const { store, freshness, flights } = broker;
  const tally = { settled: 0, unknown: 0, running: 0 };
  const owed = flights.allOwed();
  const all = await store.openActions();
  const isLeft = await freshness.whoseIsLeft();
  for (const open of all) {
    // what act() flies is its own to settle
    if (open.replica === freshness.replica ? flights.has(open.id) : !isLeft(open.replica)) continue;
    const outcome = flights.owed(open.id) ?? (await found(broker, open));
    const settled = await store.commit({ ...outcome, at: broker.doors.clock.now() });
    flights.paid(open.id);
    if (!settled.ok) continue; // whoever left it was quicker
    const { kind } = outcome.settlement;
    if (kind === 'running') tally.running++;
    else if (kind === 'unknown') tally.unknown++;
    else tally.settled++;
  }
  const open = new Set(all.map(({ id }) => id));
  for (const id of owed) if (!open.has(id)) flights.paid(id); // the store took it, and could not say so
  return tally;
}

async function found(broker: Broker, open: OpenAction): Promise<Omit<ActionSettle, 'at'>> {
  const mayHave = open.trace !== null && open.purpose !== 'preview';
  return {
    kind: 'action.settle',
    actionId: open.id,
    runId: open.runId,
    settlement: settlementOf(mayHave ? await ask(broker, open) : 'failed'),
    posted: null,
    measured: null,
    by: 'recover',
  };
}

/** Under the bundle it was admitted by. Nothing to ask with leaves it unknown; a target out of reach is asked again. */
async function ask(broker: Broker, open: OpenAction): Promise<ProbeAnswer> {
  try {
    const bundle = await broker.bundles.get(open.bundle);
    const tool = bundle.tools[open.tool];
    const connection = bundle.connections[open.connection];
    const connector = broker.connectors.get(connection?.kind ?? '');
    if (tool === undefined || connection === undefined || connector === undefined) return 'unknown';
    return await connector.probe({ actionId: open.id, tool, connection, trace: open.trace });
  } catch {
    return 'running'; // the target cannot be reached now; it is asked again, and a repeat is refused meanwhile
  }
}

function settlementOf(answer: ProbeAnswer): Settlement {
  switch (answer) {
    case 'done':
      return {
        kind: 'done',
        result: {
          text: '',
          cut: ['the result was lost in a crash; the effect is confirmed by the target'],
        },
      };
    case 'failed':
      return {
        kind: 'failed',
        code: 'CONNECTOR_ABORTED',
        message: 'a crash came before the effect; the target confirms that nothing happened',
      };
    case 'running':
      return { kind: 'running' };
    case 'unknown':
      return { kind: 'unknown', message: 'a crash hid the outcome and the target cannot tell' };
  }
}

import {
  type Call,
  type Connector,
  ConnectorFailure,
  type Flight,
  type ProbeAnswer,
  type ProbeQuery,
  type Sink,
} from '../../src/domain/connector.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Measured, ToolResult } from '../../src/domain/proposal.ts';
import type { Issuer } from './issuer.ts';
import { type Landing, send } from './sending.ts';
import { rowOf, type TargetCall, type Witness } from './witness.ts';
import type { World } from './world.ts';

export interface ConnectorParts {
  readonly world: World;
  readonly witness: Witness;
  readonly issuer: Issuer;
  readonly incarnation: number;
  /** Told of each call as it is begun and as it is finished. */
  readonly passing: (call: Call, what: string) => void;
}

/**
 * Adapter of one incarnation to the simulated systems. `sim-db` holds a transaction, measures before it commits and can
 * be asked what became of it; `sim-api` sends and hopes.
 */
export class SimConnector implements Connector {
  readonly kind: 'sim-db' | 'sim-api';
  readonly #parts: ConnectorParts;

  constructor(kind: 'sim-db' | 'sim-api', parts: ConnectorParts) {
    this.kind = kind;
    this.#parts = parts;
  }

  async begin(call: Call, sink: Sink): Promise<Flight> {
    this.#parts.passing(call, 'begun');
    const { world, witness, incarnation } = this.#parts;
    const { random } = world;
    const faults = world.faults.target;
    await this.#pause(random.latency(faults.ms), call);
    if (random.chance(faults.unreachable)) throw failure('CONNECTOR_UNREACHABLE', 'none');
    if (random.chance(faults.broken)) throw new TypeError('a fault nobody foresaw');
    if (random.chance(faults.hangs)) {
      await this.#pause(call.tool.timeoutMs, call);
      throw failure('CONNECTOR_TIMEOUT', 'none');
    }
    this.#checkCredential(call);
    if (call.tool.effect === 'read') return this.#reading(call, sink);
    const measures = this.kind === 'sim-db';
    if (measures) await this.#lock(call);
    this.#checkCredential(call);
    const measured = this.#measure(call);
    const begun = witness.begin(call, measured.effect, incarnation, measures);
    return {
      measured: measures ? measured : null,
      trace: measures ? { transaction: call.actionId } : null,
      finish: async () => {
        this.#parts.passing(call, 'finished');
        await this.#talk(call, sink, begun);
        return await send(this.#landing(call), begun);
      },
      cancel: async () => {
        await world.schedule.wait(random.latency(faults.ms), incarnation, 'cancelled');
        witness.drop(begun);
        if (random.chance(faults.broken)) throw new Error('the session broke while cancelling');
      },
    };
  }

  async probe({ actionId }: ProbeQuery): Promise<ProbeAnswer> {
    const { world, witness, incarnation } = this.#parts;
    const faults = world.faults.target;
    await world.schedule.wait(world.random.latency(faults.ms), incarnation, 'probe');
    world.count('probes');
    if (world.random.chance(faults.probeDown)) throw new Error('the target is out of reach');
    if (this.kind === 'sim-api' || world.random.chance(faults.probeUnknown)) {
      witness.obscure(actionId);
      return 'unknown';
    }
    return witness.truthOf(actionId);
  }

  async release(): Promise<void> {}
  async close(): Promise<void> {}

  #landing(call: Call): Landing {
    return { ...this.#parts, call, kind: this.kind };
  }

  /** Reads have no effect; they can say more than their cap allows, and ask before they answer. */
  #reading(call: Call, sink: Sink): Flight {
    const { world } = this.#parts;
    const { random } = world;
    const faults = world.faults.target;
    const rows = Number(call.arguments.rows ?? 1);
    const finish = async (): Promise<ToolResult> => {
      await this.#talk(call, sink, null);
      await this.#pause(random.latency(faults.ms), call);
      if (random.chance(faults.refuses)) throw failure('CONNECTOR_REFUSED', 'none');
      if (random.chance(faults.broken)) {
        this.#parts.witness.obscure(call.actionId);
        throw new TypeError('a fault nobody foresaw');
      }
      const text = JSON.stringify({ action: call.actionId, rows });
      if (call.continuation === null && random.chance(faults.wants))
        return { text: '', cut: [], wants: { questions: { why: text }, state: call.actionId } };
      return { text, cut: [] };
    };
    const measured = this.kind === 'sim-db' ? measuredRows({ rowsRead: rows }, '') : null;
    return { measured, trace: null, finish, cancel: async () => {} };
  }

  #measure(call: Call): Measured {
    const { witness } = this.#parts;
    // now and then more rows than the agent spoke of
    const more = witness.versionOf(rowOf(call)) % 5 === 4 ? 4 : 0;
    const rows = Number(call.arguments.rows ?? 1) + more;
    const effect = call.tool.effect === 'write' ? { rowsWritten: rows } : { rowsDeleted: rows };
    return measuredRows(effect, witness.preStateOf(call));
  }

  /** What the target says and asks on the way; nothing of it may reach anybody before the intent is durable. */
  async #talk(call: Call, sink: Sink, begun: TargetCall | null): Promise<void> {
    const { world, witness, incarnation } = this.#parts;
    const { random } = world;
    const faults = world.faults.target;
    try {
      while (random.chance(faults.notices)) {
        await sink.tell({ method: 'notifications/progress', params: { action: call.actionId } });
        await world.schedule.wait(random.latency(faults.ms), incarnation, 'next notice');
      }
      if (random.chance(faults.questions))
        await sink.ask({ method: 'elicitation/create', params: { action: call.actionId } });
      if (begun !== null && world.swarm.replicas === 2 && random.chance(faults.dawdles))
        await this.#pause(random.int(0, 4 * call.tool.timeoutMs), call);
      // an adapter that is deaf to its signal outlives what another replica may wait for
      const deaf = world.swarm.replicas === 2 ? 0 : 0.2;
      if (call.signal.aborted && !random.chance(deaf)) throw failure('CONNECTOR_ABORTED', 'none');
    } catch (error) {
      if (begun !== null) witness.drop(begun);
      if (error instanceof ConnectorFailure) throw error;
      throw failure('CONNECTOR_ABORTED', 'none');
    }
  }

  /** Waits for whoever holds the row, as a database does. */
  async #lock(call: Call): Promise<void> {
    const { witness } = this.#parts;
    for (let waited = 0; witness.isLocked(rowOf(call)); waited += 100) {
      if (waited >= call.tool.timeoutMs) throw failure('CONNECTOR_TIMEOUT', 'none');
      await this.#pause(100, call);
    }
  }

  #checkCredential({ credential }: Call): void {
    if (this.#parts.issuer.works(credential)) return;
    throw failure('CONNECTOR_REFUSED', 'none');
  }

  #pause(ms: number, { signal }: Call): Promise<void> {
    const { world, incarnation } = this.#parts;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        timer.cancel();
        reject(failure('CONNECTOR_ABORTED', 'none'));
      };
      if (signal.aborted) return reject(failure('CONNECTOR_ABORTED', 'none'));
      const timer = world.schedule.after(ms, incarnation, 'target answers', () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

export function failure(code: string, effect: 'none' | 'unknown'): ConnectorFailure {
  return new ConnectorFailure(code, `simulated: ${code}, ${effect}`, effect);
}

function measuredRows(rows: Parameters<typeof effectVector>[0], preState: string): Measured {
  return { effect: effectVector(rows), byTable: [], images: [], imagesComplete: true, preState };
}

/** The processes that are compared, and one window of calls at any of them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Desk, type Over, openDesk } from './desk.ts';
import type { Loaded, Window } from './load.ts';
import { type Part, startPart } from './parts.ts';
import type { Kind, Measurement } from './summary.ts';

/** As `signalbox up` starts itself (bin/signalbox.js). */
const V8 = [
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
  '--heap-growing-percent=10',
  '--no-allocation-site-pretenuring',
];

/** Signalbox bounds the calls of one run that are under way, so connections are dealt out over several runs. */
const CONNECTIONS_A_RUN = 16;
const FOR_EVER_MS = 600_000;

interface Parts {
  readonly echo: Part;
  readonly load: Part;
  readonly governed: Part;
  readonly naive: Part;
  readonly forward: Part;
  readonly sdk: Part | null;
  readonly sdk_naive: Part | null;
  readonly sdk_forward: Part | null;
}

type Shape = Pick<Window, 'connections' | 'ms' | 'most' | 'rps'>;

export class Windows {
  readonly #parts: Parts;
  readonly #desk: Desk;

  private constructor(parts: Parts, desk: Desk) {
    this.#parts = parts;
    this.#desk = desk;
  }

  /** `alone`: nothing to compare with is started. */
  static async open(folder: string, over: Over, alone = false): Promise<Windows> {
    const withSdk = over === 'mcp' && !alone;
    const [echo, load, sdk] = await Promise.all([
      startPart('echo'),
      startPart('load'),
      withSdk ? startPart('sdk-echo') : null,
    ]);
    const [naive, governed, forward, sdkNaive, sdkForward] = await Promise.all([
      startPart('naive', [`${echo.url}/mcp`]),
      startPart('governed', [join(folder, 'signalbox')], V8),
      startPart('forward', [echo.url]),
      sdk === null ? null : startPart('naive', [`${sdk.url}/mcp`]),
      sdk === null ? null : startPart('forward', [sdk.url]),
    ]);
    const desk = await openDesk(governed, over, { echo: echo.url, sdk: sdk?.url ?? null });
    const parts = { echo, load, governed, naive, forward };
    return new Windows({ ...parts, sdk, sdk_naive: sdkNaive, sdk_forward: sdkForward }, desk);
  }

  async close(): Promise<void> {
    const { echo, sdk, ...inFront } = this.#parts;
    for (const part of Object.values(inFront)) await part?.stop();
    await echo.stop();
    await sdk?.stop();
  }

  /** Calls of the echo, one way. */
  async calls(kind: Exclude<Kind, 'write_approved'>, round: number, shape: Shape) {
    const governed = kind === 'governed' || kind === 'sdk_governed';
    const part = this.#partOf(kind);
    const tool = kind === 'sdk_governed' ? 'sdk_echo' : 'echo';
    const url = kind === 'direct' || kind === 'sdk_direct' ? `${part.url}/mcp` : part.url;
    const tokens = governed ? await this.#tokens(shape.connections) : [''];
    return this.#measure(kind, round, { url, tokens, tool, texts: null, ...shape });
  }

  /** Proposed and approved before the clock starts; what runs under it is the agents' repeated calls. */
  async writes(round: number, connections: number, each: number): Promise<Measurement> {
    const runs = await this.#desk.runs(runsFor(connections));
    const texts = await this.#desk.approvedWrites(runs, (each * connections) / runs.length);
    const tokens = runs.map(({ token }) => token);
    const { url } = this.#parts.governed;
    const window = { url, tokens, tool: 'keep', connections, ms: FOR_EVER_MS, texts };
    return this.#measure('write_approved', round, window);
  }

  /** Bytes that Signalbox holds now. */
  resident(): Promise<number> {
    return this.#parts.governed.ask<number>({ ask: 'resident' });
  }

  /** One window; the echo must have counted exactly the calls that were answered. */
  async #measure(kind: Kind, round: number, window: Window): Promise<Measurement> {
    const part = this.#partOf(kind);
    const before = await this.#counted(kind);
    const commits = await this.#commits(kind);
    const cpu = await part.cpu();
    const loaded = await this.#parts.load.ask<Loaded>({ ask: 'load', window });
    const spent = (await part.cpu()) - cpu;
    const effects = (await this.#counted(kind)) - before;
    assert.equal(loaded.faults, 0, `${kind}: ${loaded.firstFault}`);
    assert.equal(effects, loaded.calls, `${kind}: effects at the echo are not the calls made`);
    return {
      kind,
      connections: window.connections,
      round,
      rps: loaded.calls / loaded.seconds,
      p50ms: loaded.p50ms,
      p99ms: loaded.p99ms,
      cpuUs: spent / loaded.calls,
      loadUs: loaded.cpu / loaded.calls,
      commits: ((await this.#commits(kind)) - commits) / loaded.calls,
    };
  }

  async #tokens(connections: number): Promise<readonly string[]> {
    return (await this.#desk.runs(runsFor(connections))).map(({ token }) => token);
  }

  #partOf(kind: Kind): Part {
    const { echo, sdk, governed, naive, forward, sdk_naive, sdk_forward } = this.#parts;
    const measured = {
      direct: echo,
      naive,
      governed,
      forward,
      write_approved: governed,
      sdk_direct: sdk,
      sdk_naive,
      sdk_governed: governed,
      sdk_forward,
    }[kind];
    assert.ok(measured, `there is no process for \`${kind}\``);
    return measured;
  }

  async #counted(kind: Kind): Promise<number> {
    const target = kind.startsWith('sdk_') ? this.#partOf('sdk_direct') : this.#parts.echo;
    const counted = await target.ask<Record<string, number>>({ ask: 'counted' });
    return counted[kind === 'write_approved' ? 'writes' : 'reads'] ?? 0;
  }

  #commits(kind: Kind): Promise<number> | number {
    const governed = this.#partOf(kind) === this.#parts.governed;
    return governed ? this.#parts.governed.ask<number>({ ask: 'commits' }) : 0;
  }
}

function runsFor(connections: number): number {
  return Math.ceil(connections / CONNECTIONS_A_RUN);
}

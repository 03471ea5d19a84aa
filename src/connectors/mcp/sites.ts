import type { Connection } from '../../domain/bundle.ts';
import { digestOf } from '../../domain/digest.ts';
import type { Timer } from '../../domain/doors.ts';
import type { HaltScope } from '../../domain/halt.ts';
import { Site, type SiteParts } from './site.ts';

const REAP_EVERY_MS = 15_000;
/** A site that nobody used so long is closed with everything in it. */
const UNUSED_MS = 30 * 60_000;

/** All connections in use, by what they say: a bundle that leaves a connection as it was leaves its sessions open. */
export class Sites {
  readonly #parts: SiteParts;
  #byConnection = new WeakMap<Connection, Site>();
  readonly #byKey = new Map<string, Site>();
  #reaping: Timer | null = null;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  of(connection: Connection): Site {
    const known = this.#byConnection.get(connection);
    if (known !== undefined && !known.closed) return known;
    const { name, settings, issuer = null, secret = null, pins = null } = connection;
    const key = digestOf('mcp/site', { name, settings, issuer, secret, pins });
    let site = this.#byKey.get(key);
    if (site === undefined) {
      site = new Site(connection, this.#parts);
      site.usedAt = this.#parts.clock.monotonic();
      this.#byKey.set(key, site);
      this.#reaping ??= this.#parts.timers.every(REAP_EVERY_MS, () => this.#reap());
    }
    this.#byConnection.set(connection, site);
    return site;
  }

  release(runId: string): void {
    for (const site of this.#byKey.values()) site.release(runId);
  }

  async cut(scope: HaltScope, runs: ReadonlySet<string>): Promise<readonly string[]> {
    const cuts = [...this.#byKey.values()].map((site) => site.cut(scope, runs));
    return (await Promise.all(cuts)).flat();
  }

  children(scope: HaltScope, runs: ReadonlySet<string>): number {
    let sum = 0;
    for (const site of this.#byKey.values()) sum += site.children(scope, runs);
    return sum;
  }

  async close(): Promise<void> {
    this.#reaping?.cancel();
    this.#reaping = null;
    const open = [...this.#byKey.values()];
    this.#byKey.clear();
    this.#byConnection = new WeakMap();
    await Promise.all(open.map((site) => site.close()));
    this.#parts.deadlines.close();
  }

  #reap(): void {
    const now = this.#parts.clock.monotonic();
    for (const [key, site] of this.#byKey) {
      site.reap(now);
      if (site.busy > 0 || now - site.usedAt < UNUSED_MS || site.watches) continue;
      this.#byKey.delete(key);
      void site.close();
    }
  }
}

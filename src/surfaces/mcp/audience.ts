import type { Broker } from '../../broker/broker.ts';
import type { OpenStream } from '../../broker/open-streams.ts';
import type { Change } from '../../domain/connector.ts';
import type { Timer } from '../../domain/doors.ts';
import type { HaltScope } from '../../domain/halt.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Holder } from '../../protocols/mcp/catalogue.ts';
import type { GrantedViews } from './granted-views.ts';

type List = 'tools' | 'prompts' | 'resources';

/** Somebody who wants to hear of changes. */
export interface Listener {
  readonly holder: Holder;
  /** A halt in any of these closes the stream at once. */
  readonly scopes: readonly HaltScope[];
  readonly wants: { readonly [L in List]: boolean };
  /** Resources it hears of one by one, as it named them. */
  readonly uris: ReadonlySet<string>;
  /** False once its token, run or agent may not hear more. */
  mayHear(): Promise<boolean>;
  tell(method: string, params: JsonObject): void;
  /** It may not hear more. */
  dismiss(): void;
}

/** How long a change of the bundle by another replica may go unseen; a change here is seen at once. */
const LOOK_MS = 5_000;
const LISTS: readonly List[] = ['tools', 'prompts', 'resources'];

/**
 * Everybody who listens, and what they are told: that a list is another one (a bundle was applied, a server said so),
 * or that a resource they watch was updated. Only what a listener may use is told to it.
 */
export class Audience {
  readonly #broker: Broker;
  readonly #views: GrantedViews;
  readonly #listeners = new Map<Listener, OpenStream>();
  readonly #looking: Timer;
  readonly #closed = new AbortController();
  #bundle: string | null = null;

  constructor(broker: Broker, views: GrantedViews) {
    this.#broker = broker;
    this.#views = views;
    this.#looking = broker.doors.timers.every(LOOK_MS, () => void this.look());
    void this.#watch();
  }

  watches(uri: string): boolean {
    for (const { uris } of this.#listeners.keys()) if (uris.has(uri)) return true;
    return false;
  }

  add(listener: Listener): void {
    const stream = {
      scopes: listener.scopes,
      end: () => {
        this.#listeners.delete(listener);
        listener.dismiss();
      },
    };
    this.#listeners.set(listener, stream);
    this.#broker.streams.add(stream);
    // a halt between its first look and here saw no stream
    void this.#hears(listener);
    // so that the next look has something to compare with
    if (this.#bundle === null) void this.look();
  }

  remove(listener: Listener): void {
    const stream = this.#listeners.get(listener);
    if (stream !== undefined) this.#broker.streams.remove(stream);
    this.#listeners.delete(listener);
  }

  async changed({ connection, what, uri }: Change): Promise<void> {
    await Promise.all(
      [...this.#listeners.keys()].map(async (listener) => {
        if (what === 'resource') {
          if (uri === undefined || !listener.uris.has(uri)) return;
        } else if (!listener.wants[what]) return;
        if (
          !(await this.#hears(listener)) ||
          !(await this.#holds(listener.holder, connection, what))
        )
          return;
        if (what === 'resource')
          listener.tell('notifications/resources/updated', { uri: uri ?? '' });
        else listener.tell(`notifications/${what}/list_changed`, {});
      }),
    );
  }

  /** Is the bundle still the one whose lists were told last? And may everybody still hear? */
  async look(): Promise<void> {
    if (this.#listeners.size === 0) {
      this.#bundle = null;
      return;
    }
    const bundle = await this.#broker.bundles.active().catch(() => null);
    const before = this.#bundle;
    this.#bundle = bundle?.digest ?? before;
    const isNew = bundle !== null && before !== null && bundle.digest !== before;
    for (const listener of [...this.#listeners.keys()])
      if ((await this.#hears(listener)) && isNew)
        for (const list of LISTS)
          if (listener.wants[list]) listener.tell(`notifications/${list}/list_changed`, {});
  }

  close(): void {
    this.#looking.cancel();
    this.#closed.abort();
    for (const listener of [...this.#listeners.keys()]) this.remove(listener);
  }

  /** A bundle that is applied here is told at once. */
  async #watch(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#broker.notices.wait('bundle', 3_600_000, signal);
      if (!signal.aborted) await this.look();
    }
  }

  async #hears(listener: Listener): Promise<boolean> {
    const { isFresh } = this.#broker.freshness;
    const may = isFresh && (await listener.mayHear().catch(() => false));
    if (!may && this.#listeners.has(listener)) {
      this.remove(listener);
      listener.dismiss();
    }
    return may;
  }

  async #holds(holder: Holder, connection: string, what: Change['what']): Promise<boolean> {
    const { granted } = await this.#views.ofHolder(holder);
    if (what === 'tools') return granted.tools.some((tool) => tool.connection === connection);
    if (what === 'prompts')
      return [...granted.promptByName.values()].some(({ tool }) => tool.connection === connection);
    return granted.resources.some((tool) => tool.connection === connection);
  }
}

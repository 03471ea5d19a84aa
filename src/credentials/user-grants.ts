import type { Connection } from '../domain/bundle.ts';
import type { Trying } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { GrantDesk, GrantEnd, UserGrant } from '../domain/user-grant.ts';
import type { GrantShelf } from './oauth/grant-shelf.ts';

interface UserGrantsParts {
  readonly shelf: GrantShelf;
  readonly store: Pick<Store, 'commit'>;
  readonly doors: Doors;
  /** One line about a server that could not be asked. Never holds a secret. */
  readonly log: (line: string) => void;
  /** Told after every try that did not end one. */
  readonly stuck?: (trying: Trying) => void;
}

const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 30_000;

/** Ends grants at their servers, without end until each is over; what it was doing when the process died is taken up by a sweep. */
export class UserGrants implements GrantDesk {
  readonly #parts: UserGrantsParts;
  readonly #ending = new Map<string, Promise<GrantEnd>>();
  readonly #trying = new Map<string, Trying>();
  #closed = false;

  constructor(parts: UserGrantsParts) {
    this.#parts = parts;
  }

  held(connections: readonly Connection[], until: number): Promise<readonly UserGrant[]> {
    return this.#parts.shelf.held(connections, until);
  }

  end(grants: readonly UserGrant[], until: number): Promise<readonly GrantEnd[]> {
    return Promise.all(grants.map((grant) => this.#end(grant, until)));
  }

  async sweep(connections: () => Promise<readonly Connection[]>): Promise<void> {
    const left = await this.#parts.shelf.left(await connections());
    // what was given since is nobody's to end here
    for (const grant of left) if (!this.#ending.has(grant.handle)) void this.#end(grant, 0);
  }

  trying(): readonly Trying[] {
    return [...this.#trying.values()];
  }

  /** Stops trying; what is not dead stays in the store, and the next process goes on. */
  close(): void {
    this.#closed = true;
  }

  /** One at a time for each, shared by all who ask; whoever comes with more to end waits, and ends that too. */
  #end(grant: UserGrant, until: number): Promise<GrantEnd> {
    const { handle } = grant;
    const before = this.#ending.get(handle) ?? Promise.resolve();
    const ending: Promise<GrantEnd> = Promise.all([this.#taken(grant, until), before])
      .then(() => this.#endNow(grant))
      .finally(() => {
        if (this.#ending.get(handle) === ending) this.#ending.delete(handle);
      });
    this.#ending.set(handle, ending);
    return ending;
  }

  /** Durable before its server is asked: whatever comes then, no token is made from it any more. */
  async #taken(grant: UserGrant, until: number): Promise<void> {
    for (let wait = RETRY_FIRST_MS; !this.#closed; wait = Math.min(wait * 2, RETRY_MOST_MS)) {
      try {
        await this.#parts.shelf.take(grant, until);
        return;
      } catch (error) {
        await this.#tried(grant, error, wait);
      }
    }
  }

  async #endNow(grant: UserGrant): Promise<GrantEnd> {
    const { clock } = this.#parts.doors;
    const started = clock.monotonic();
    const over = new Map<string, string | null>();
    for (let wait = RETRY_FIRST_MS; ; wait = Math.min(wait * 2, RETRY_MOST_MS)) {
      const left = await this.#tryAll(grant, over).catch((error: unknown) => error);
      const ms = clock.monotonic() - started;
      if (left === null) {
        this.#trying.delete(grant.handle);
        const why = [...over.values()].find((residual) => residual !== null);
        const state = why === undefined ? 'dead' : 'residual';
        if (over.size > 0) await this.#note(grant, state);
        const note = why === undefined ? DEAD : `forgotten here: ${why}; its user can end it there`;
        return { grant, state, ms, note };
      }
      if (this.#closed)
        return { grant, state: 'ending', ms, note: 'stopped before its server confirmed' };
      await this.#tried(grant, left, wait);
    }
  }

  /** Null when nothing is left of it; else why not. `over`: what was ended, with why it could not be. */
  async #tryAll(grant: UserGrant, over: Map<string, string | null>): Promise<string | null> {
    const { shelf } = this.#parts;
    let why: string | null = null;
    for (const id of await shelf.take(grant, 0)) {
      const attempt = await shelf.tryToEnd(grant, id);
      if (attempt.over) over.set(id, attempt.residual);
      else why = attempt.why;
    }
    return why;
  }

  async #tried({ handle, connection }: UserGrant, error: unknown, wait: number): Promise<void> {
    const { doors, log, stuck } = this.#parts;
    const why =
      typeof error === 'string' ? error : error instanceof Error ? error.message : 'fault';
    const before = this.#trying.get(handle);
    const since = before?.since ?? doors.clock.now();
    const tries = (before?.tries ?? 0) + 1;
    const trying = { leaseId: handle, handle, connection: connection.name, since, tries, why };
    this.#trying.set(handle, trying);
    log(`grant ${handle}: not confirmed dead yet, trying again: ${why}`);
    stuck?.(trying);
    await new Promise<void>((resolve) => doors.timers.after(wait, resolve));
  }

  async #note({ connection, user }: UserGrant, end: string): Promise<void> {
    const { store, doors } = this.#parts;
    const body = { connection: connection.name, end, ...(user === null ? {} : { user }) };
    const at = doors.clock.now();
    await store
      .commit({ kind: 'system.note', type: 'connection.grant-ended', body, at })
      .catch(() => undefined);
  }
}

const DEAD = 'its server takes neither its refresh token nor its access token any more';

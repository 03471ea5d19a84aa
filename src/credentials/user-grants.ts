import type { Connection } from '../domain/bundle.ts';
import type { Trying } from '../domain/credential.ts';
import type { Store } from '../domain/store.ts';
import type { GrantDesk, GrantEnd, UserGrant } from '../domain/user-grant.ts';
import type { GrantShelf } from './oauth/grant-shelf.ts';
import { Tries, type TriesParts, whyOf } from './tries.ts';

interface UserGrantsParts extends TriesParts {
  readonly shelf: GrantShelf;
  readonly store: Pick<Store, 'commit'>;
}

/** Ends grants at their servers, without end until each is over; what it was doing when the process died is taken up by a sweep. */
export class UserGrants implements GrantDesk {
  readonly #parts: UserGrantsParts;
  readonly #ending = new Map<string, Promise<GrantEnd>>();
  readonly #tries: Tries;

  constructor(parts: UserGrantsParts) {
    this.#parts = parts;
    this.#tries = new Tries('grant', parts);
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
    return this.#tries.all();
  }

  /** Stops trying; what is not dead stays in the store, and the next process goes on. */
  close(): void {
    this.#tries.close();
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
    await this.#tries.until(async () => {
      try {
        return await this.#parts.shelf.take(grant, until);
      } catch (error) {
        return this.#failed(grant, whyOf(error));
      }
    });
  }

  async #endNow(grant: UserGrant): Promise<GrantEnd> {
    const { clock } = this.#parts.doors;
    const started = clock.monotonic();
    const over = new Map<string, string | null>();
    const ended = await this.#tries.until(async () => {
      const left = await this.#tryAll(grant, over).catch(whyOf);
      return left === null ? over : this.#failed(grant, left);
    });
    const ms = clock.monotonic() - started;
    if (ended === null)
      return { grant, state: 'ending', ms, note: 'stopped before its server confirmed' };
    this.#tries.over(grant.handle);
    const why = [...over.values()].find((residual) => residual !== null);
    const state = why === undefined ? 'dead' : 'residual';
    if (over.size > 0) await this.#note(grant, state);
    const note = why === undefined ? DEAD : `forgotten here: ${why}; its user can end it there`;
    return { grant, state, ms, note };
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

  #failed({ handle, connection }: UserGrant, why: string): null {
    this.#tries.failed({ id: handle, handle, connection: connection.name }, why);
    return null;
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

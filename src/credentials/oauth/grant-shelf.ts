import type { Connection } from '../../domain/bundle.ts';
import type { Store } from '../../domain/store.ts';
import type { UserGrant } from '../../domain/user-grant.ts';
import { type Attempt, takeOut, tryToEnd } from './grant-end.ts';
import { type HolderShelf, isPerUser } from './holder-shelf.ts';
import { nameOf, recordIn } from './vault.ts';

/** The grants that are kept, by connection and user. */
export class GrantShelf {
  readonly #holders: HolderShelf;
  readonly #store: Pick<Store, 'secretNames'>;

  constructor(holders: HolderShelf, store: Pick<Store, 'secretNames'>) {
    this.#holders = holders;
    this.#store = store;
  }

  /** Of users: given up to then, or being ended. */
  async held(connections: readonly Connection[], until: number): Promise<readonly UserGrant[]> {
    const known = await this.#records(connections.filter(isPerUser));
    return known.flatMap(({ grant, givenAt, left }) =>
      (givenAt !== null && givenAt <= until) || left > 0 ? [grant] : [],
    );
  }

  /** Those that somebody began to end, of users and of connections. */
  async left(connections: readonly Connection[]): Promise<readonly UserGrant[]> {
    const known = await this.#records(connections.filter(({ issuer }) => issuer === 'oauth'));
    return known.flatMap(({ grant, left }) => (left > 0 ? [grant] : []));
  }

  take({ connection, user }: UserGrant, until: number): Promise<readonly string[]> {
    return takeOut(this.#holders.of(connection, user), until);
  }

  tryToEnd({ connection, user }: UserGrant, id: string): Promise<Attempt> {
    return tryToEnd(this.#holders.of(connection, user), id);
  }

  /** A record says whose it is, its name does not. */
  async #records(connections: readonly Connection[]) {
    if (connections.length === 0) return [];
    const stored = (await this.#store.secretNames()).map(({ name }) => name);
    const found = connections.flatMap((connection) => {
      const own = nameOf(connection.name);
      const isIts = (name: string): boolean =>
        isPerUser(connection) ? name.startsWith(`${own}.`) : name === own;
      return stored.filter(isIts).map((name) => ({ connection, record: recordIn(name) }));
    });
    const known = await Promise.all(
      found.map(async ({ connection, record }) => {
        const { grant, ending = [], user = null } = await this.#holders.kept(record);
        if (isPerUser(connection) === (user === null)) return [];
        const whose = user === null ? '' : `:${user}`;
        const handle = `oauth-grant:${connection.name}${whose}`;
        const givenAt = grant?.at ?? null;
        return [{ grant: { handle, connection, user }, givenAt, left: ending.length }];
      }),
    );
    return known.flat();
  }
}

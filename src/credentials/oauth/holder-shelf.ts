import type { Connection } from '../../domain/bundle.ts';
import type { Lease, SecretSource } from '../../domain/credential.ts';
import { digestOf } from '../../domain/digest.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import type { Store } from '../../domain/store.ts';
import type { OutwardPool } from '../outward.ts';
import type { SecretVault } from '../secrets.ts';
import { recordOf } from './account.ts';
import { Holder } from './holder.ts';
import { type OAuthSettings, oauthSettings } from './settings.ts';
import { GrantVault, type Kept } from './vault.ts';

interface ShelfParts {
  readonly secrets: SecretSource & SecretVault;
  readonly store: Pick<Store, 'run'>;
  readonly doors: Doors;
}

/** A holder for each connection as it is configured now. */
export class HolderShelf {
  readonly #parts: ShelfParts;
  readonly #pool: OutwardPool;
  readonly #vault: GrantVault;
  /** By lease; of those that are somebody's. */
  readonly #users = new Map<string, string>();
  readonly #holders = new Map<string, { readonly digest: string; readonly holder: Holder }>();

  constructor(parts: ShelfParts, pool: OutwardPool) {
    this.#parts = parts;
    this.#pool = pool;
    this.#vault = new GrantVault(parts.secrets);
  }

  /** `user`: whose grant, where each user has an own one. */
  of(connection: Connection, user: string | null = null): Holder {
    const settings = oauthSettings(connection, user);
    if (settings === null)
      throw new SignalboxError(
        'REQUEST_MALFORMED',
        `connection \`${connection.name}\` has no \`oauth\``,
      );
    if (settings.perUser !== (user !== null)) throw whose(settings);
    const record = recordOf(settings);
    const digest = digestOf('oauth-settings', connection.settings);
    const known = this.#holders.get(record);
    if (known?.digest === digest) return known.holder;
    const { clientSecret } = settings;
    const { secrets, doors } = this.#parts;
    const holder = new Holder(settings, {
      vault: this.#vault,
      outward: this.#pool.for(settings.allowPrivate),
      doors,
      secret: async () => (clientSecret === null ? null : secrets.reveal(clientSecret)),
    });
    this.#holders.set(record, { digest, holder });
    return holder;
  }

  kept(record: string): Promise<Kept> {
    return this.#vault.read(record);
  }

  /** A run on behalf of a user has that user's grant and no other. */
  forRun(connection: Connection, run: Run, leaseId?: string): Holder {
    const user = isPerUser(connection) ? (run.subject ?? null) : null;
    if (leaseId !== undefined && user !== null) this.#users.set(leaseId, user);
    return this.of(connection, user);
  }

  /** After a start only the run of a lease says whose it is. */
  async ofLease(connection: Connection, lease: Lease): Promise<Holder> {
    if (!isPerUser(connection)) return this.of(connection);
    const run = this.#users.has(lease.id) ? null : await this.#parts.store.run(lease.runId);
    if (run?.subject !== undefined) this.#users.set(lease.id, run.subject);
    return this.of(connection, this.#users.get(lease.id) ?? null);
  }

  known(connection: Connection, leaseId: string): Holder | null {
    const user = this.#users.get(leaseId) ?? null;
    return isPerUser(connection) && user === null ? null : this.of(connection, user);
  }

  userOf(leaseId: string | undefined): string | null {
    return (leaseId === undefined ? undefined : this.#users.get(leaseId)) ?? null;
  }

  over(leaseId: string): void {
    this.#users.delete(leaseId);
  }
}

export function isPerUser({ settings: { oauth } }: Connection): boolean {
  return isJsonObject(oauth) && oauth.perUser === true;
}

function whose({ connection, perUser }: OAuthSettings): SignalboxError {
  return perUser
    ? new SignalboxError(
        'AUTHORIZATION_NEEDED',
        `each user authorizes \`${connection}\`, and this is on behalf of none`,
        {
          help: `begin the run on behalf of a user, who was authorized by \`signalbox connection authorize ${connection} --user NAME\``,
        },
      )
    : new SignalboxError(
        'REQUEST_MALFORMED',
        `\`${connection}\` is authorized for all, not by user`,
      );
}

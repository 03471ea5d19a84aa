import { type Bundle, bundleDigest, type Connection, EMPTY_BUNDLE } from '../domain/bundle.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Store } from '../domain/store.ts';
import type { BundleSource } from './broker.ts';
import type { Freshness } from './freshness.ts';

const MAX_KEPT = 32;

/**
 * Bundles are content-addressed and never change, so one read each is enough. A stored one that is not what its digest
 * says rejects with SignalboxError `LEDGER_BROKEN`: it would grant what nobody applied. `learned` sees each once.
 */
export function bundleSource(
  store: Store,
  learned: (bundle: Bundle) => void = () => {},
): BundleSource {
  const kept = new Map<string, Bundle>([[EMPTY_BUNDLE.digest, EMPTY_BUNDLE]]);
  const get = async (digest: string): Promise<Bundle> => {
    const known = kept.get(digest);
    if (known !== undefined) return known;
    const bundle = await store.bundle(digest);
    if (bundle === null)
      throw new SignalboxError(
        'STORE_DOWN',
        `bundle \`${digest.slice(0, 12)}\` is named by the store and not in it`,
      );
    if (bundle.digest !== digest || !isItself(bundle))
      throw new SignalboxError(
        'LEDGER_BROKEN',
        `bundle \`${digest.slice(0, 12)}\` in the store is not the one that was applied`,
      );
    if (kept.size >= MAX_KEPT) kept.delete([...kept.keys()][1] ?? digest);
    learned(bundle);
    kept.set(digest, bundle);
    return bundle;
  };
  return {
    get,
    known: (digest) => kept.get(digest),
    active: async () => get((await store.haltState()).stamp.bundle),
  };
}

/** The bundle that was active when this replica last heard from its store, while that is not too old to go by. */
export function bundleHeard({
  bundles,
  freshness,
}: {
  readonly bundles: Pick<BundleSource, 'known'>;
  readonly freshness: Pick<Freshness, 'bundle'>;
}): Bundle | undefined {
  return freshness.bundle === null ? undefined : bundles.known(freshness.bundle);
}

/** A connection as it is configured now, or was when this replica last heard; null when it is not. */
export function connectionOf({
  bundles,
  freshness,
}: {
  readonly bundles: BundleSource;
  readonly freshness: Pick<Freshness, 'bundle'>;
}): (name: string) => Promise<Connection | null> {
  return async (name) => {
    const bundle = bundleHeard({ bundles, freshness }) ?? (await bundles.active());
    return bundle.connections[name] ?? null;
  };
}

/** False too for what has no digest at all. */
function isItself(bundle: Bundle): boolean {
  try {
    return bundleDigest(bundle) === bundle.digest;
  } catch {
    return false;
  }
}

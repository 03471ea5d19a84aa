import type { Bundle } from '../domain/bundle.ts';
import { own } from '../domain/own.ts';
import type { Run } from '../domain/run.ts';
import type { Store } from '../domain/store.ts';
import { type Norm, normOf } from '../limits/loops/norm.ts';

/** How long what was usual for an agent stands. */
const STANDS_MS = 10 * 60_000;
const KEPT = 256;

interface Usual {
  readonly norm: Promise<Norm | null>;
  readonly until: number;
}

const classes = new WeakMap<Store, Map<string, Usual>>();

/**
 * What run trees of the same agent usually cost; null: too few have ended. A run tree is of the agent of its root. Asked
 * once for a tree that spends, and the answer stands with the verdict that comes of it.
 */
export function usualFor(
  store: Store,
  { run, bundle, now }: { readonly run: Run; readonly bundle: Bundle; readonly now: number },
): Promise<Norm | null> {
  const agent = run.actsFor.at(-1)?.agent ?? run.agent;
  const all = classes.get(store) ?? new Map<string, Usual>();
  classes.set(store, all);
  const key = `${bundle.digest} ${agent}`;
  const known = all.get(key);
  if (known !== undefined && now < known.until) return known.norm;
  if (all.size >= KEPT) all.clear();
  const norm = store.costsOf(agent).then((costs) => normOf(costs, priceIn(bundle)));
  all.set(key, { norm, until: now + STANDS_MS });
  norm.catch(() => all.delete(key));
  return norm;
}

/** Millionths of the currency that one call is declared to cost. */
export function priceIn({ tools }: Bundle): (tool: string) => number {
  return (name) => own(tools, name)?.cap.moneyMicros ?? 0;
}

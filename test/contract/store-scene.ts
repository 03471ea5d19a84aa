import { type TestContext, test } from 'node:test';
import type { Store } from '../../src/domain/store.ts';
import type { Open } from './store.ts';

/** One test with a store of its own. */
export function scene(
  open: Open,
  name: string,
  play: (store: Store, context: TestContext) => Promise<void>,
): void {
  test(name, async (context) => {
    const { store, close } = await open();
    try {
      await play(store, context);
    } finally {
      await close();
    }
  });
}

export interface Used {
  readonly posted: number;
  readonly pending: number;
}

export async function used(store: Store, key: string, dimension = 'calls'): Promise<Used> {
  const rows = await store.usage([key]);
  const row = rows.find((one) => one.dimension === dimension);
  return { posted: row?.posted ?? 0, pending: row?.pending ?? 0 };
}

export async function types(store: Store, chain: string): Promise<string[]> {
  return (await store.timeline(chain)).map(({ type }) => type);
}

import type { DrillHealth } from '../../domain/drill.ts';
import type { Store } from '../../domain/store.ts';
import type { Route } from './listener.ts';

/**
 * `/healthz`: the process answers, and how well the halt is drilled (a process that lives is not ended because a drill
 * failed, so that is no 503). `/readyz`: it can also reach its store, without which nothing runs (503), and how the
 * policies of the active bundle work.
 */
export function healthRoutes(
  store: Pick<Store, 'haltState' | 'alone'>,
  drilled: () => DrillHealth = () => ({ state: 'off', lastAt: null }),
  policies: (bundle: string) => string = () => 'ok',
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      handle: async (exchange) => exchange.reply(200, { ok: true, drill: { ...drilled() } }),
    },
    {
      method: 'GET',
      path: '/readyz',
      async handle(exchange) {
        const known = await store.haltState().catch(() => null);
        const ready = known !== null;
        exchange.reply(ready ? 200 : 503, {
          ok: ready,
          store: ready ? 'up' : 'down',
          kind: store.alone ? 'sqlite' : 'postgresql',
          ...(known === null ? {} : { policies: policies(known.stamp.bundle) }),
        });
      },
    },
  ];
}

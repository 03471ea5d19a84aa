import type { DrillHealth } from '../../domain/drill.ts';
import type { Store } from '../../domain/store.ts';
import type { Route } from './listener.ts';

/**
 * `/healthz`: the process answers, and how well the halt is drilled (a process that lives is not ended because a drill
 * failed, so that is no 503). `/readyz`: it can also reach its store, without which nothing runs (503).
 */
export function healthRoutes(
  store: Pick<Store, 'haltState' | 'alone'>,
  drilled: () => DrillHealth = () => ({ state: 'off', lastAt: null }),
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
        const ready = await store.haltState().then(
          () => true,
          () => false,
        );
        exchange.reply(ready ? 200 : 503, {
          ok: ready,
          store: ready ? 'up' : 'down',
          kind: store.alone ? 'sqlite' : 'postgresql',
        });
      },
    },
  ];
}

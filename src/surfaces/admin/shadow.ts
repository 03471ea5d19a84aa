import type { Route } from '../http/listener.ts';
import type { AdminDeps } from './deps.ts';
import { visitor } from './guard.ts';

/** What the candidate beside the policies in force would have decided otherwise, as far as this replica saw. */
export function shadowRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/policies/shadow',
      async handle(exchange) {
        await visitor(deps, exchange);
        const { bundles, shadow, store } = deps.broker;
        const bundle = await bundles.active();
        const { candidate } = bundle.policies ?? {};
        exchange.reply(200, {
          bundle: bundle.digest,
          candidate: candidate === undefined ? null : Object.keys(candidate),
          replica: store.replica,
          report: (shadow?.report(bundle.digest) ?? null) as never,
        });
      },
    },
  ];
}

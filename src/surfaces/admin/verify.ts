import { verify } from '../../broker/verify.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Route } from '../http/listener.ts';
import { read, SMALL_BODY } from './body.ts';
import type { AdminDeps } from './deps.ts';
import { changer } from './guard.ts';

const WISH = {
  agent: { most: 200, optional: true },
  connection: { most: 200, optional: true },
} as const;

/** Least privilege, tried at the source with minted credentials. Changes nothing but mints and revokes. */
export function verifyRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/verify',
      async handle(exchange) {
        await changer(deps, exchange);
        const { agent, connection } = read(await exchange.json(SMALL_BODY), WISH);
        const verified = await verify(deps.broker, {
          agent: agent === '' ? null : agent,
          connection: connection === '' ? null : connection,
        });
        const ok = verified.every((one) => one.ok);
        exchange.reply(200, { ok, verified } as unknown as JsonObject);
      },
    },
  ];
}

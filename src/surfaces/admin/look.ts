import { within } from '../../broker/patience.ts';
import type { Connection } from '../../domain/bundle.ts';
import { exposed, SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Route } from '../http/listener.ts';
import { CONFIG_BODY, read } from './body.ts';
import type { AdminDeps } from './deps.ts';
import { changer } from './guard.ts';

const ANSWER_MS = 20_000;
/** So many are started at a time, and the next one when this has answered or had its time. */
const AT_ONCE = 4;
const STARTED_MS = 2_000;
const MAX_SERVERS = 200;
const CONFIG = {
  text: { most: 1_048_576 },
  path: { most: 1_000 },
  servers: { most: 20_000 },
} as const;

/**
 * What servers offer that a configuration text names and nobody applied yet. It starts programs and sends secrets, so it
 * is an owner's to ask for; one that does not answer says why, and the others answer all the same.
 */
export function lookRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/look',
      async handle(exchange) {
        const { operator } = await changer(deps, exchange);
        const { text, path, servers } = read(await exchange.json(CONFIG_BODY), CONFIG);
        if (operator.role !== 'owner')
          throw new SignalboxError(
            'OWNER_NEEDED',
            `\`${operator.name}\` is an operator, only an owner can have servers started or called`,
          );
        const declared = deps.declared(text, path);
        const names = servers.split(',').filter((name) => Object.hasOwn(declared, name));
        const found = await looked(
          deps,
          names.slice(0, MAX_SERVERS).map((name) => declared[name] as Connection),
        );
        exchange.reply(200, { servers: Object.fromEntries(found) });
      },
    },
  ];
}

async function looked(
  deps: AdminDeps,
  connections: readonly Connection[],
): Promise<[string, JsonObject][]> {
  const asked: Promise<[string, JsonObject]>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < connections.length; i = next++) {
      const connection = connections[i];
      if (connection === undefined) continue;
      const { name } = connection;
      const answer = lookedAt(deps, connection).then((each): [string, JsonObject] => [name, each]);
      asked[i] = answer;
      // starting is what costs; one that hangs is waited for beside the others
      await within(deps.broker.doors.timers, STARTED_MS, answer);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return Promise.all(asked);
}

async function lookedAt({ broker }: AdminDeps, connection: Connection): Promise<JsonObject> {
  const inspector = broker.inspectors.get(connection.kind);
  if (inspector?.catalogue === undefined)
    return {
      fault: {
        message: `\`${connection.name}\` does not describe itself`,
        fix: 'write its tools yourself',
      },
    };
  try {
    const asked = inspector.catalogue(connection);
    const catalogue = await within(broker.doors.timers, ANSWER_MS, asked);
    if (catalogue !== null) return { catalogue: { ...catalogue } };
    return { fault: { message: `no answer in ${ANSWER_MS / 1_000} s`, fix: 'look at the server' } };
  } catch (error) {
    const { code, message, help } = exposed(error);
    return { fault: { code, message, fix: help } };
  }
}

import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Command } from '../command.ts';
import { table } from '../render.ts';

export const connectionList: Command = {
  name: 'connection list',
  summary: 'list the connections, and which of them wait for an authorization',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ api, style }) => {
    const found = await api.get('/api/connections');
    const connections = connectionsOf(found);
    return {
      json: found,
      text:
        connections.length === 0
          ? 'no connection is configured; `signalbox apply` takes them from a file'
          : table(
              ['NAME', 'KIND', 'ENVIRONMENT', 'CREDENTIALS', 'AUTHORIZATION'],
              connections.map(({ name, kind, environment, issuer, authorization }) => [
                String(name),
                String(kind),
                String(environment),
                issuer === null ? 'none' : String(issuer),
                isJsonObject(authorization) ? wordsOf(authorization) : '',
              ]),
              style,
            ),
    };
  },
};

export function connectionsOf(found: JsonObject): readonly JsonObject[] {
  return Array.isArray(found.connections) ? found.connections.filter(isJsonObject) : [];
}

function wordsOf({ state, issuer, wanted, renews }: JsonObject): string {
  if (state !== 'authorized') return 'needed: `signalbox connection authorize NAME`';
  const missing = Array.isArray(wanted) && wanted.length > 0 ? `, lacks ${wanted.join(' ')}` : '';
  return `at ${String(issuer ?? 'its server')}${renews === true ? '' : ', until it expires'}${missing}`;
}

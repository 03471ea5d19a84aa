import type { Connection } from '../domain/bundle.ts';
import type { JsonObject } from '../domain/json.ts';

export function commandSettingsOf({
  program,
  sha256,
  directory,
  env = {},
  secrets = {},
}: JsonObject): Pick<Connection, 'settings' | 'issuer'> {
  return {
    settings: {
      program: String(program),
      ...(sha256 === undefined ? {} : { sha256 }),
      directory: String(directory),
      env,
      secrets,
    },
    ...(Object.keys(secrets as JsonObject).length > 0 ? { issuer: 'static-secret' } : {}),
  };
}

export function commandBinding(command: JsonObject): JsonObject {
  const { args, paths = {}, stdin, output = 'text', project, select, exits } = command;
  return {
    args: args ?? [],
    paths,
    ...(stdin === undefined ? {} : { stdin }),
    output,
    ...(project === undefined ? {} : { project }),
    ...(select === undefined ? {} : { select }),
    ...(exits === undefined ? {} : { exits }),
  };
}

import type { Client } from '../../clients/client-file.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Io } from '../io.ts';

export interface Entering {
  readonly client: Client;
  readonly agent: string;
  /** The agents address with `/mcp`. */
  readonly mcpUrl: string;
}

/** The one entry by which a client reaches everything: a program that it starts, by the very Node that runs this. */
export function stdioEntry(io: Io, { client, agent }: Entering): JsonObject {
  const [command = '', ...file] = io.program;
  const { SIGNALBOX_HOME: home } = io.env;
  return {
    ...(client === 'vscode' || client === 'claude-code' ? { type: 'stdio' } : {}),
    command,
    args: [...file, 'mcp-stdio', '--or-agent', agent],
    ...(home === undefined || home === '' ? {} : { env: { SIGNALBOX_HOME: home } }),
  };
}

/** An address, with the token that `signalbox run` puts into the client's environment. */
export function httpEntry({ client, mcpUrl: url }: Entering): JsonObject {
  const bearer = (variable: string) => ({ Authorization: `Bearer ${variable}` });
  switch (client) {
    case 'claude-code':
      return { type: 'http', url, headers: bearer('${SIGNALBOX_TOKEN}') };
    case 'cursor':
      return { url, headers: bearer('${env:SIGNALBOX_TOKEN}') };
    case 'gemini':
      return { httpUrl: url, headers: bearer('$SIGNALBOX_TOKEN') };
    case 'codex':
      return { url, bearer_token_env_var: 'SIGNALBOX_TOKEN' };
    default:
      throw new SignalboxError(
        'USAGE',
        `a file of \`${client}\` cannot take a token from the environment`,
        {
          help: 'leave `--via http` out: the entry is a program then',
        },
      );
  }
}

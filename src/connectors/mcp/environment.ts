import { dirname } from 'node:path';
import type { Connection } from '../../domain/bundle.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';

/** `HOME` of a child unless the system or the connection says another: there is nothing in it. */
export const NO_HOME = '/nonexistent';
const PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

/** The whole environment of a child: what we decide, what its connection says, and its secrets. Nothing is inherited. */
export function environmentOf(
  connection: Connection,
  credential: Credential | null,
  home: string,
): Record<string, string> {
  const { env, secrets } = connection.settings;
  const wanted = isJsonObject(secrets) ? Object.keys(secrets) : [];
  const values = credential?.kind === 'environment' ? credential.values : {};
  for (const name of wanted)
    if (!Object.hasOwn(values, name))
      throw new ConnectorFailure(
        'CREDENTIAL_FAILED',
        `there is no secret for \`${name}\` of \`${connection.name}\``,
        'none',
      );
  return { PATH, HOME: home, ...textsOf(env), ...values };
}

function textsOf(value: Json | undefined): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}

/**
 * Program and arguments, with `${secret:VARIABLE}` replaced. Throws ConnectorFailure for settings that no loader would
 * have made.
 */
export function commandOf(
  { name, settings: { command } }: Connection,
  credential: Credential | null,
): readonly string[] {
  if (!Array.isArray(command) || command.length === 0)
    throw new ConnectorFailure('CONNECTOR_REFUSED', `\`${name}\` names no command`, 'none');
  const values = credential?.kind === 'environment' ? credential.values : {};
  return command.map((word) =>
    String(word).replaceAll(/\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, variable: string) => {
      const value = Object.hasOwn(values, variable) ? values[variable] : undefined;
      if (value !== undefined) return value;
      const message = `there is no secret for \`${variable}\` of \`${name}\``;
      throw new ConnectorFailure('CREDENTIAL_FAILED', message, 'none');
    }),
  );
}

/** What goes with every request besides the credential: names and values in turn. */
export function headersOf({ settings: { headers } }: Connection): readonly string[] {
  return Object.entries(textsOf(headers)).flat();
}

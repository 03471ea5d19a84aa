/** What the suite tells its client: where the server is, which scenario it plays, and what it was given for that. */
import { isJsonObject, type JsonObject } from '../../../src/domain/json.ts';

export interface Scenario {
  readonly name: string;
  readonly url: string;
  /** The revision that the suite plays. */
  readonly revision: string;
  readonly context: JsonObject;
}

export function scenarioOf(
  argv: readonly string[],
  env: { readonly [name: string]: string | undefined },
): Scenario {
  const url = argv.at(-1) ?? '';
  if (!URL.canParse(url)) throw new Error('expected the URL of the server as last argument');
  const context: unknown = JSON.parse(env.MCP_CONFORMANCE_CONTEXT ?? '{}');
  return {
    name: env.MCP_CONFORMANCE_SCENARIO ?? '',
    url,
    revision: env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25',
    context: isJsonObject(context) ? context : {},
  };
}

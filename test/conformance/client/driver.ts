/**
 * The client under test: the suite runs `node driver.ts <server URL>` with the scenario in the environment. Signalbox's
 * upstream connector and OAuth client do all the talking; this file plays the owner, who authorizes when told to, and the
 * agent, who repeats a call that failed for want of it. Exit 0 when the agent got through.
 */
import { appendFileSync } from 'node:fs';
import { ConnectorFailure } from '../../../src/domain/connector.ts';
import { SignalboxError } from '../../../src/domain/errors.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { CALLER, play } from './agent.ts';
import { ENDS, type End } from './end.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { openUpstream, type Upstream, type Wanted } from './upstream.ts';

const DOCUMENT = 'https://conformance-test.local/client-metadata.json';
const MAX_ROUNDS = 4;
/** Their servers answer every method there is with an empty success, so that no question tells what they speak. */
const UNTELLING = ['initialize', 'sse-retry'];
/** Where getting through would be the failure. */
const TO_BE_REFUSED = [
  'auth/scope-retry-limit',
  'auth/resource-mismatch',
  'auth/iss-supported-missing',
  'auth/iss-wrong-issuer',
  'auth/iss-unexpected',
  'auth/iss-normalized',
  'auth/metadata-issuer-mismatch',
];

function wantedOf(scenario: Scenario): Wanted {
  const { name, url } = scenario;
  return {
    url,
    ...(name.startsWith('auth/') ? clientOf(scenario) : { oauth: null, secrets: {} }),
    offers: name === 'http-standard-headers',
    protocol: UNTELLING.includes(name) ? 'legacy' : 'auto',
  };
}

/** What an operator would have written into the file: the client that the suite registered, our document, or nothing. */
function clientOf({ name, context }: Scenario): Pick<Wanted, 'oauth' | 'secrets'> {
  const { client_id: clientId, client_secret: secret } = context;
  if (typeof clientId === 'string' && typeof secret === 'string') {
    const grant: JsonObject = name.includes('client-credentials')
      ? { grant: 'client_credentials' }
      : {};
    const oauth = { clientId, clientSecret: 'conformance', ...grant };
    return { oauth, secrets: { conformance: secret } };
  }
  const oauth = name === 'auth/basic-cimd' ? { clientMetadataUrl: DOCUMENT } : {};
  return { oauth, secrets: {} };
}

function isUnauthorized(error: unknown): boolean {
  return saysCode(error, ['AUTHORIZATION_NEEDED', 'CREDENTIAL_REFUSED']);
}

function saysCode(error: unknown, codes: readonly string[]): boolean {
  if (error instanceof ConnectorFailure || error instanceof SignalboxError)
    if (codes.includes(error.code)) return true;
  const { problems } = error as { problems?: readonly { code?: string }[] };
  return problems?.some(({ code }) => codes.includes(code ?? '')) === true;
}

async function authorized<T>(upstream: Upstream, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++)
    try {
      return await work();
    } catch (error) {
      if (round >= MAX_ROUNDS || !isUnauthorized(error)) throw error;
      if (!(await upstream.isContent())) await upstream.authorize();
    }
}

async function through(scenario: Scenario): Promise<void> {
  const upstream = await openUpstream(wantedOf(scenario));
  try {
    const bundle = await authorized(upstream, () => upstream.plan());
    await play(scenario, bundle, (tool, input, round) => {
      const continuation =
        round === undefined ? undefined : { responses: round.answers, state: round.state };
      return authorized(upstream, () => upstream.call(bundle, tool, input, CALLER, continuation));
    });
  } finally {
    await upstream.close();
  }
}

/** Null: as it should be. */
function problemOf(name: string, error: Error | null): string | null {
  const toBeRefused = TO_BE_REFUSED.includes(name);
  if (error === null) return toBeRefused ? 'the client got through' : null;
  return toBeRefused && saysCode(error, ['AUTHORIZATION_FAILED']) ? null : error.message;
}

const scenario = scenarioOf(process.argv, process.env);
const error = await through(scenario).then(
  () => null,
  (thrown: Error) => thrown,
);
if (error !== null) console.error(error);
// the suite looks at what its server saw, not at how the client ended
const { [ENDS]: ends } = process.env;
const end: End = { scenario: scenario.name, problem: problemOf(scenario.name, error) };
if (ends !== undefined) appendFileSync(ends, `${JSON.stringify(end)}\n`);
process.exit(error === null ? 0 : 1);

import type { Agent } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { SUBJECT_ALGORITHMS } from '../domain/subject-token.ts';
import { listOf, members, pointer } from './meaning.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { closed, flag, text } from './schema-parts.ts';
import type { Source } from './source.ts';

const USUAL_ALGORITHMS = ['ES256', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];
const USUAL_SKEW = 60;
const USUAL_MINUTES = 60;

/** `subjectToken` of an agent. */
export const SUBJECT_TOKEN_SCHEMA: JsonObject = closed(
  'Whose tokens prove the user it acts for. Without it the user is what the agent says',
  ['issuer', 'jwks', 'audience'],
  {
    issuer: text('`iss` of its tokens', { maxLength: 500 }),
    jwks: text('Where its issuer publishes its keys', { pattern: '^https?://', maxLength: 500 }),
    audience: text('`aud` of tokens for this agent, and for no other', { maxLength: 500 }),
    algorithms: {
      type: 'array',
      minItems: 1,
      maxItems: SUBJECT_ALGORITHMS.length,
      uniqueItems: true,
      default: USUAL_ALGORITHMS,
      items: { enum: [...SUBJECT_ALGORITHMS] },
      description: 'Algorithms that are taken',
    },
    claim: text('The claim that names the user as `users` has it; `email` must be verified', {
      default: 'sub',
      maxLength: 100,
    }),
    skewSeconds: {
      type: 'integer',
      minimum: 0,
      maximum: 300,
      default: USUAL_SKEW,
      description: 'How far its clock may be off',
    },
    maxAgeMinutes: {
      type: 'integer',
      minimum: 1,
      maximum: 1_440,
      default: USUAL_MINUTES,
      description: 'How old a token may be',
    },
    allowPrivate: flag('Its keys may lie at a private address', false),
    required: flag('A user whom the agent only names is refused', true),
  },
);

export function subjectTokenOf(said: Json | undefined): Pick<Agent, 'subjectToken'> {
  if (said === undefined) return {};
  const { issuer, jwks, audience, algorithms, claim, ...more } = members(said);
  return {
    subjectToken: {
      ...{ issuer: String(issuer), jwks: String(jwks), audience: String(audience) },
      algorithms: algorithms === undefined ? USUAL_ALGORITHMS : listOf(algorithms).map(String),
      claim: String(claim ?? 'sub'),
      skewSeconds: Number(more.skewSeconds ?? USUAL_SKEW),
      maxAgeSeconds: 60 * Number(more.maxAgeMinutes ?? USUAL_MINUTES),
      allowPrivate: more.allowPrivate === true,
      required: more.required !== false,
    },
  };
}

/** A token for one agent must be nothing to another: no two take the same. */
export function subjectTokenProblems(source: Source, root: JsonObject): ConfigProblem[] {
  const taken = new Map<string, string>();
  return Object.entries(members(root.agents)).flatMap(([agent, value]) => {
    const { issuer, audience } = members(members(value).subjectToken);
    if (typeof issuer !== 'string' || typeof audience !== 'string') return [];
    const key = JSON.stringify([issuer, audience]);
    const other = taken.get(key);
    taken.set(key, agent);
    if (other === undefined) return [];
    const at = source.at(pointer('agents', agent, 'subjectToken', 'audience'));
    const why = `agent \`${other}\` takes tokens of this issuer for this audience already`;
    return [problem('CONFIG_INVALID', at, why, 'name an audience of its own at the issuer')];
  });
}

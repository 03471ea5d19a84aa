import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Bundle } from '../domain/bundle.ts';
import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { own } from '../domain/own.ts';
import type { ProvenSubject, SubjectTokenRules, SubjectTokens } from '../domain/subject-token.ts';
import type { KeySets } from './key-sets.ts';

const MOST_TOKEN = 16_384;

/**
 * Users by the word of an identity provider: a JWT is taken at the exchange endpoint and nowhere else, used once to begin a
 * run, and never kept. It must be signed by a key that its issuer publishes now, by an algorithm of the list, for this
 * agent alone, and be young; whatever cannot be looked up is a no.
 */
export function createSubjectTokens(keys: KeySets, clock: Clock): SubjectTokens {
  return {
    async proven(token, agent, bundle) {
      const rules = rulesOf(bundle, agent);
      if (rules === null)
        throw refused(`tokens of an identity provider prove nothing to agent \`${agent}\``);
      if (token.length > MOST_TOKEN) throw refused('it is longer than a token');
      try {
        return await verified(token, rules, await keys.of(rules));
      } catch (error) {
        // keys are replaced: the one that is missed may be published since
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw asRefusal(error);
      }
      const fresh = await keys.anew(rules);
      if (fresh === null) throw refused('it is signed by a key that its issuer does not publish');
      return verified(token, rules, fresh).catch((error: unknown) => {
        throw asRefusal(error);
      });
    },
  };

  async function verified(
    token: string,
    rules: SubjectTokenRules,
    jwks: JSONWebKeySet,
  ): Promise<ProvenSubject> {
    const { issuer, audience, algorithms, claim } = rules;
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
      ...{ issuer, audience, algorithms: [...algorithms] },
      clockTolerance: rules.skewSeconds,
      maxTokenAge: rules.maxAgeSeconds,
      requiredClaims: ['exp', 'iat', claim],
      currentDate: new Date(clock.now()),
    });
    // one that is good elsewhere too may have been shown there, and come from there
    if (Array.isArray(payload.aud) && payload.aud.length !== 1)
      throw refused('it is for others too, expected one `aud`');
    const user = payload[claim];
    if (claim === 'email' && payload.email_verified !== true)
      throw refused('its `email` is not verified');
    if (typeof user !== 'string' || user === '' || user.length > 127)
      throw refused(`its \`${claim}\` names no user`);
    return { user: user.toLowerCase(), issuer };
  }
}

function rulesOf({ agents }: Bundle, agent: string): SubjectTokenRules | null {
  return own(agents, agent)?.subjectToken ?? null;
}

/** By kind alone: what the library says can hold what the token said. */
function asRefusal(error: unknown): unknown {
  if (error instanceof SignalboxError) return error;
  if (error instanceof errors.JWTExpired) return refused('it is over, or too old');
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`its \`${error.claim.slice(0, 32)}\` is not what is expected`);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('its algorithm is not one of those that are taken');
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return refused('it does not say which of several keys signed it');
  return refused('it is no token that its issuer signed');
}

function refused(why: string): SignalboxError {
  return new SignalboxError('SUBJECT_TOKEN', `the \`subject_token\` is refused: ${why}`);
}

import {
  processRevocationResponse,
  WWWAuthenticateChallengeError,
  type WWWAuthenticateChallengeParameters,
} from 'oauth4webapi';

/** What a protected server said with a 401 or 403. A stranger's words, of limited size. */
export interface Challenge {
  readonly error: string | null;
  /** Empty when it named none. */
  readonly scopes: readonly string[];
  /** Where it says its metadata is. */
  readonly metadataUrl: string | null;
}

const MAX_HEADER = 8_192;
const MAX_SCOPES = 64;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;

/** Reads a `WWW-Authenticate` header; null when it holds no Bearer challenge. */
export async function bearerChallenge(header: string | null): Promise<Challenge | null> {
  if (header === null || header.length > MAX_HEADER) return null;
  const parameters = await parametersOf(header);
  if (parameters === null) return null;
  return {
    error: parameters.error ?? null,
    scopes: scopesOf(parameters.scope ?? ''),
    metadataUrl: parameters.resource_metadata ?? null,
  };
}

/** The well-formed scopes of a space-separated list, each once. */
export function scopesOf(list: string): readonly string[] {
  const scopes = list.split(' ').filter((scope) => SCOPE.test(scope));
  return [...new Set(scopes)].slice(0, MAX_SCOPES);
}

/** The library parses challenges well and shows its parser only through a failed answer. */
async function parametersOf(header: string): Promise<WWWAuthenticateChallengeParameters | null> {
  try {
    const headers = { 'www-authenticate': header };
    await processRevocationResponse(new Response(null, { status: 401, headers }));
    return null;
  } catch (error) {
    if (!(error instanceof WWWAuthenticateChallengeError)) return null;
    return error.cause.find(({ scheme }) => scheme === 'bearer')?.parameters ?? null;
  }
}

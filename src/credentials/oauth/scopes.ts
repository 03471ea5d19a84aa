import type { AuthorizationServer } from 'oauth4webapi';
import { clip, failed, type Guardian } from './discovery.ts';
import type { OAuthSettings } from './settings.ts';
import type { Grant } from './vault.ts';

const OFFLINE = 'offline_access';

/**
 * What to ask for: the configured scopes and no other; else what the server's challenge names, else all that its resource
 * publishes, else none; with everything asked for before, so that a step up loses nothing. `wanted`: what the server
 * missed in our token. Throws AUTHORIZATION_FAILED when asking again could change nothing.
 */
export function scopesToAsk(
  settings: OAuthSettings,
  guardian: Guardian,
  grant: Grant | null,
  wanted: readonly string[],
): readonly string[] {
  if (settings.scopes !== null) {
    const beyond = wanted.filter((scope) => !settings.scopes?.includes(scope));
    if (beyond.length > 0)
      throw failed(
        `the server wants scope \`${clip(beyond.join(' '))}\`, which \`oauth.scopes\` of \`${settings.connection}\` does not list`,
      );
    return withOffline(settings.scopes, guardian.as);
  }
  const before = grant?.issuer === guardian.as.issuer ? grant.asked : [];
  if (wanted.length > 0 && wanted.every((scope) => before.includes(scope)))
    throw failed(
      `the server wants scope \`${clip(wanted.join(' '))}\`, which was asked for already: asking again changes nothing`,
    );
  const challenged = guardian.challenge?.scopes ?? [];
  const base = challenged.length > 0 ? challenged : (guardian.scopes ?? []);
  const asked = [...new Set([...before, ...base, ...wanted])];
  return withOffline(asked, guardian.as);
}

/** Without it many servers give no refresh token. Alone it would narrow what "no scope" means. */
function withOffline(scopes: readonly string[], as: AuthorizationServer): readonly string[] {
  const known = as.scopes_supported?.includes(OFFLINE) === true;
  const asked = scopes.filter((scope) => scope !== OFFLINE || known);
  return known && asked.length > 0 ? [...new Set([...asked, OFFLINE])] : asked;
}

export function isLasting(scopes: readonly string[]): boolean {
  return scopes.includes(OFFLINE);
}

import type { Bundle, Connection } from './bundle.ts';
import { isJsonObject, type Json } from './json.ts';

/**
 * Who uses each stored secret, by its name: connections as `NAME`, webhooks as `alert NAME`, consults as `consult NAME`.
 * In order of the bundle.
 */
export function secretUsers({
  connections,
  alerts = [],
  consults = [],
}: Pick<Bundle, 'connections' | 'alerts' | 'consults'>): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  const put = (secret: string, user: string): void => {
    const known = users.get(secret) ?? [];
    if (!known.includes(user)) users.set(secret, [...known, user]);
  };
  for (const connection of Object.values(connections))
    for (const secret of secretsOf(connection)) put(secret, connection.name);
  for (const { name, secret } of alerts) put(secret, `alert ${name}`);
  for (const { name, secret } of consults) if (secret !== undefined) put(secret, `consult ${name}`);
  return users;
}

/** Names of the stored secrets that stand behind a connection. */
export function secretsOf({ secret, settings }: Connection): readonly string[] {
  const { secrets, oauth, githubApp, vault } = settings;
  const found: (Json | undefined)[] = [secret];
  if (isJsonObject(secrets)) found.push(...Object.values(secrets));
  if (isJsonObject(oauth)) found.push(oauth.clientSecret);
  if (isJsonObject(githubApp)) found.push(githubApp.privateKey);
  if (isJsonObject(vault) && isJsonObject(vault.server) && isJsonObject(vault.server.auth))
    found.push(vault.server.auth.secret);
  return found.filter((name) => typeof name === 'string');
}

import type pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';

/** Where a `postgres` connection leads. `user` is the broker's own login there. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** False only for a loopback or socket, or where `tls: off` says so. */
  readonly tls: false | { readonly ca?: string };
}

export interface Login {
  readonly user: string;
  readonly password: string | (() => Promise<string>);
  /** Shown in `pg_stat_activity`. */
  readonly label: string;
  /** Session settings, pinned at the start of the session. */
  readonly settings: { readonly [name: string]: string };
}

/** Where unqualified names of tool statements are looked up; `pg_temp` last, so that nothing can be slipped in front. */
export const SCHEMAS: readonly string[] = ['pg_catalog', 'public'];
export const SEARCH_PATH = `${SCHEMAS.join(', ')}, pg_temp`;
/** For our own catalogue queries: nobody else's function or operator is in sight. */
export const CATALOGUE_PATH = 'pg_catalog, pg_temp';

const CONNECT_TIMEOUT_MS = 5_000;

export function targetOf({ name, settings }: Connection): Target {
  const port = settings.port ?? 5432;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new SignalboxError('CONFIG_INVALID', `connection \`${name}\`: \`port\` is no port`);
  const host = textOf(name, settings, 'host');
  return {
    host,
    port,
    database: textOf(name, settings, 'database'),
    user: textOf(name, settings, 'user'),
    tls: tlsOf(host, settings),
  };
}

/** Everything is said, so that no variable of the environment adds to it. */
export function clientConfig(target: Target, login: Login): pg.ClientConfig {
  return {
    host: target.host,
    port: target.port,
    database: target.database,
    user: login.user,
    password: login.password,
    // without `host` a certificate for an address is held against `localhost`
    ssl:
      target.tls === false ? false : { rejectUnauthorized: true, host: target.host, ...target.tls },
    application_name: login.label,
    client_encoding: 'UTF8',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: Object.entries(login.settings)
      .map(([setting, value]) => `-c ${setting}=${value.replace(/[\\ ]/g, '\\$&')}`)
      .join(' '),
  };
}

function tlsOf(host: string, settings: JsonObject): Target['tls'] {
  const { tls, ca } = settings;
  if (tls === 'off' || (tls === undefined && isLocal(host))) return false;
  return typeof ca === 'string' ? { ca } : {};
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(127\.|\/)/.test(host);
}

function textOf(connection: string, settings: JsonObject, field: string): string {
  const value = settings[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new SignalboxError(
    'CONFIG_INVALID',
    `connection \`${connection}\`: expected a text in \`${field}\``,
  );
}

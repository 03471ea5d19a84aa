import { SignalboxError } from '../../domain/errors.ts';

/** Where the database is, and how to be sure that it is the one. */
export interface PostgresAddress {
  readonly client: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
    readonly password: string;
    /** `host`: what its certificate must name. */
    readonly ssl:
      | false
      | { readonly rejectUnauthorized: true; readonly host: string; readonly ca?: string };
  };
  /** Unset: the first schema of the login's search path. */
  readonly schema?: string;
}

export interface AddressOptions {
  /** `postgresql://user@host:5432/database?schema=signalbox`, without a password. */
  readonly url: string;
  readonly password: string;
  /** Certificate authority in PEM; unset: those this machine trusts. */
  readonly ca?: string;
}

const KNOWN = new Set(['schema', 'sslmode']);
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1', '[::1]']);

/**
 * Throws SignalboxError `USAGE`. TLS with a verified certificate, but for a server on this machine, where it is used
 * only if `sslmode=verify-full` says so.
 */
export function postgresAddress({ url, password, ca }: AddressOptions): PostgresAddress {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw wrong('a URL like `postgresql://user@host:5432/database`');
  if (parsed.password !== '') throw wrong('a URL without a password: it belongs in a file');
  const unknown = [...parsed.searchParams.keys()].find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw wrong(`only \`schema\` and \`sslmode\`, not \`${unknown}\``);
  const mode = parsed.searchParams.get('sslmode');
  if (mode !== null && mode !== 'verify-full') throw wrong('`sslmode=verify-full` or none');
  const schema = parsed.searchParams.get('schema');
  const user = decodeURIComponent(parsed.username);
  const database = decodeURIComponent(parsed.pathname.slice(1));
  if (user === '' || database === '') throw wrong('a URL that names a user and a database');
  const isLocal = LOOPBACK.has(parsed.hostname);
  const plain = isLocal && mode === null && ca === undefined;
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  // without `host` a certificate for an address is held against `localhost`
  const trust = { host, ...(ca === undefined ? {} : { ca }) };
  return {
    client: {
      host,
      port: parsed.port === '' ? 5432 : Number(parsed.port),
      database,
      user,
      password,
      ssl: plain ? false : { rejectUnauthorized: true, ...trust },
    },
    ...(schema === null ? {} : { schema }),
  };
}

function wrong(expected: string): SignalboxError {
  return new SignalboxError('USAGE', `the address of the store: expected ${expected}`, {
    help: 'see docs/guide/postgresql-store.md',
  });
}

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { SignalboxError } from '../domain/errors.ts';
import { addressKind } from './addresses.ts';

/**
 * Where a connection may go. `public`: global addresses only. `private`: private addresses only (what the connection
 * promises to be inside). `any`: both. Link-local, metadata and reserved addresses are never reached.
 */
export type Reach = 'public' | 'private' | 'any';

/** Every address of a host name, in order of preference. A door: tests give their own. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

type Connect = buildConnector.connector;

const CONNECT_TIMEOUT_MS = 5_000;
/** A name with more addresses than this is tried at its first ones only; all of them are checked. */
const MAX_TRIES = 4;

/**
 * The only way out: a connector for undici that resolves, checks every address, and dials the very address it checked,
 * so that a name cannot answer differently between check and connect. Refuses with SignalboxError `EGRESS_REFUSED`.
 */
export function guardedConnect(reach: Reach, resolve: Resolve = systemResolve): Connect {
  const dial = buildConnector({ allowH2: false, timeout: CONNECT_TIMEOUT_MS });
  return (options, callback) => {
    connectChecked(dial, options, reach, resolve).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };
}

async function connectChecked(
  dial: Connect,
  options: buildConnector.Options,
  reach: Reach,
  resolve: Resolve,
): Promise<Socket> {
  const hostname = withoutBrackets(options.hostname);
  const addresses = isIP(hostname) === 0 ? await resolve(hostname) : [hostname];
  if (addresses.length === 0) throw unreachable(hostname, 'it has no address');
  for (const address of addresses) check(hostname, address, reach);
  let last: Error | null = null;
  for (const address of addresses.slice(0, MAX_TRIES)) {
    try {
      const socket = await dialOne(dial, { ...options, hostname: address });
      const remote = socket.remoteAddress ?? 'unknown';
      if (addressKind(remote) === addressKind(address)) return socket;
      socket.destroy();
      throw refusal(hostname, remote, 'is not the address that was checked');
    } catch (error) {
      last = error as Error;
    }
  }
  throw last;
}

type Socket = NonNullable<Parameters<buildConnector.Callback>[1]>;

function dialOne(dial: Connect, options: buildConnector.Options): Promise<Socket> {
  return new Promise((done, fail) => {
    dial(options, (error, socket) => {
      if (error !== null) fail(error);
      else if (socket !== null) done(socket);
    });
  });
}

/** One bad address refuses the whole name: a name that mixes inside and outside is not to be trusted with either. */
function check(hostname: string, address: string, reach: Reach): void {
  const kind = addressKind(address);
  if (kind === 'forbidden')
    throw refusal(hostname, address, 'is link-local, a metadata service or reserved');
  if (kind === 'private' && reach === 'public')
    throw refusal(hostname, address, 'is private and the connection does not say `allowPrivate`');
  if (kind === 'public' && reach === 'private')
    throw refusal(hostname, address, 'is public and the connection promises a private one');
}

function refusal(hostname: string, address: string, why: string): SignalboxError {
  const name = hostname === address ? '' : ` of \`${hostname}\``;
  return new SignalboxError('EGRESS_REFUSED', `address \`${address}\`${name} ${why}`);
}

function unreachable(hostname: string, why: string): SignalboxError {
  return new SignalboxError('CONNECTOR_UNREACHABLE', `\`${hostname}\` cannot be reached: ${why}`);
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
}

async function systemResolve(hostname: string): Promise<readonly string[]> {
  try {
    const found = await lookup(hostname, { all: true, order: 'verbatim' });
    return found.map(({ address }) => address);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw unreachable(hostname, `its name does not resolve (${code})`);
  }
}

/**
 * A small volume service: it holds the database's volume and its backups behind an HTTP API of its
 * own. One broad token may do everything, deleting the volume *with* its backups included: the
 * credential of the nine-second incident.
 *
 *   GET    /volumes                          GET    /volumes/{volume}/backups
 *   GET    /volumes/{volume}                 POST   /volumes/{volume}/backups   {"note"?: string}
 *   DELETE /volumes/{volume}                 GET    /volumes/{volume}/backups/{backup}
 *                                            DELETE /volumes/{volume}/backups/{backup}
 *   GET    /calls?since=<ms>   the call log; only with the observer's token, and not logged
 *
 * As a process: node examples/acme/volumes.ts --port 0 --directory D --token-file F
 *   [--observer-token-file F] [--database-url-file F] [--label L] [--exit-with-stdin]
 * A token file that is absent is created with a random token. One JSON line says where it listens.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { type Call, type CallEffect, CallLog, type Counters, nowMs } from './volumes-calls.ts';
import { attachDatabase } from './volumes-database.ts';
import { type Attachment, type Backup, Disk, VOLUME, VolumeError } from './volumes-disk.ts';

export interface VolumesOptions {
  readonly directory: string;
  /** The broad token: every call but `/calls`. */
  readonly token: string;
  /** The token for `/calls` alone. Default: a random one. */
  readonly observerToken?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** What lies on the volume. Without it there is nothing to back up or destroy. */
  readonly attachment?: Attachment;
}

export interface Volumes {
  readonly url: string;
  readonly port: number;
  readonly observerToken: string;
  calls(sinceMs?: number): Call[];
  counters(): Counters;
  /** A backup made by the service itself, as its nightly schedule would: not a call. */
  createBackup(note?: string): Promise<Backup>;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly effect: CallEffect;
}

const MAX_BODY_BYTES = 16 * 1024;
const MAX_NOTE = 200;
const MAX_LOGGED_PATH = 300;
const ID = '([a-z0-9][a-z0-9-]{0,62})';
const ROUTE = new RegExp(`^/volumes(?:/${ID}(?:/(backups)(?:/${ID})?)?)?$`);

export async function startVolumes(options: VolumesOptions): Promise<Volumes> {
  if (options.token.length < 16) throw new Error('expected a token of 16 characters or more');
  const disk = new Disk(options.directory, options.attachment);
  await disk.open();
  const log = new CallLog();
  const observerToken = options.observerToken ?? newToken();
  const accepts = { broad: tokenCheck(options.token), observer: tokenCheck(observerToken) };
  const server = createServer({ requestTimeout: 15_000, headersTimeout: 10_000 });
  server.on('request', (request, response) => {
    void handle(request, response, { disk, log, accepts });
  });
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    observerToken,
    calls: (sinceMs = 0) => log.since(sinceMs),
    counters: () => log.counters(),
    createBackup: (note = 'scheduled') => disk.createBackup(VOLUME, note),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

type TokenCheck = (request: IncomingMessage) => boolean;

function tokenCheck(token: string): TokenCheck {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${token}`);
  return (request) => timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
}

interface Service {
  readonly disk: Disk;
  readonly log: CallLog;
  readonly accepts: { readonly broad: TokenCheck; readonly observer: TokenCheck };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { disk, log, accepts }: Service,
): Promise<void> {
  const atMs = nowMs();
  const method = request.method ?? 'GET';
  // Cut by hand: the path of a hostile request need not be one that `URL` takes.
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  if (path === '/calls') {
    send(response, accepts.observer(request) ? showCalls(log, query) : unauthorised('observer'));
    return;
  }
  let answer: Answer;
  try {
    answer = accepts.broad(request)
      ? await route(disk, method, path, request)
      : unauthorised('volumes');
  } catch (error) {
    answer = failure(error);
  }
  const key = request.headers['idempotency-key'];
  log.add({
    atMs,
    method,
    path: path.slice(0, MAX_LOGGED_PATH),
    status: answer.status,
    effect: answer.effect,
    key: typeof key === 'string' ? key.slice(0, 200) : null,
  });
  send(response, answer);
}

async function route(
  disk: Disk,
  method: string,
  path: string,
  request: IncomingMessage,
): Promise<Answer> {
  const match = ROUTE.exec(path);
  if (match === null) throw new VolumeError(404, 'not_found', 'there is no such path');
  const [, volume, backups, backup] = match;
  const read = (body: unknown): Answer => ({ status: 200, body, effect: 'read' });
  const wrongMethod = (): VolumeError =>
    new VolumeError(405, 'method_not_allowed', `\`${path}\` does not take ${method}`);

  if (volume === undefined) {
    if (method === 'GET') return read({ volumes: await disk.volumes() });
    throw wrongMethod();
  }
  if (backups === undefined) {
    if (method === 'GET') return read(await disk.volume(volume));
    if (method !== 'DELETE') throw wrongMethod();
    const deleted = await disk.deleteVolume(volume);
    const body = { deleted: { volume, backups: deleted } };
    return { status: 200, body, effect: 'volume_deleted' };
  }
  if (backup === undefined) {
    if (method === 'GET') return read({ backups: await disk.backups(volume) });
    if (method !== 'POST') throw wrongMethod();
    const body = await disk.createBackup(volume, await readNote(request));
    return { status: 201, body, effect: 'backup_created' };
  }
  if (method === 'GET') return read(await disk.backup(volume, backup));
  if (method !== 'DELETE') throw wrongMethod();
  await disk.deleteBackup(volume, backup);
  return { status: 200, body: { deleted: { volume, backup } }, effect: 'backup_deleted' };
}

async function readNote(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new VolumeError(413, 'too_large', `the body is over ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return '';
  const invalid = new VolumeError(
    400,
    'invalid_body',
    `expected an empty body or {"note": string of at most ${MAX_NOTE} characters}`,
  );
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw invalid;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid;
  const { note = '', ...others } = body as { note?: unknown };
  if (typeof note !== 'string' || note.length > MAX_NOTE) throw invalid;
  if (Object.keys(others).length > 0) throw invalid;
  return note;
}

function showCalls(log: CallLog, query: string): Answer {
  const since = Number(new URLSearchParams(query).get('since') ?? 0);
  const body = Number.isFinite(since)
    ? { nowMs: nowMs(), counters: log.counters(), calls: log.since(since) }
    : { error: { code: 'invalid_since', message: 'expected `since` in milliseconds since 1970' } };
  return { status: Number.isFinite(since) ? 200 : 400, body, effect: 'read' };
}

function unauthorised(realm: string): Answer {
  const message = `expected the ${realm} token as a bearer token`;
  return { status: 401, body: { error: { code: 'unauthorised', message } }, effect: 'none' };
}

function failure(error: unknown): Answer {
  const known = error instanceof VolumeError;
  const code = known ? error.code : 'internal';
  // What broke inside may name files or addresses: the caller learns only that it did.
  const message = known ? error.message : 'the volume service failed';
  if (!known) console.error(error instanceof Error ? error.message : error);
  return { status: known ? error.status : 500, body: { error: { code, message } }, effect: 'none' };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    // An oversized body is not read to its end.
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(bytes);
}

export function newToken(): string {
  return `vol_${randomBytes(24).toString('base64url')}`;
}

function tokenFrom(file: string): string {
  if (!fs.existsSync(file)) fs.writeFileSync(file, `${newToken()}\n`, { mode: 0o600, flag: 'wx' });
  return fs.readFileSync(file, 'utf8').trim();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      directory: { type: 'string' },
      'token-file': { type: 'string' },
      'observer-token-file': { type: 'string' },
      'database-url-file': { type: 'string' },
      label: { type: 'string', default: 'database' },
      'exit-with-stdin': { type: 'boolean', default: false },
    },
  });
  const { directory, 'token-file': tokenFile, 'observer-token-file': observerFile } = values;
  if (directory === undefined || tokenFile === undefined) {
    throw new Error('expected --directory and --token-file');
  }
  const urlFile = values['database-url-file'];
  const url = urlFile === undefined ? undefined : fs.readFileSync(urlFile, 'utf8').trim();
  const service = await startVolumes({
    directory,
    token: tokenFrom(tokenFile),
    port: Number(values.port),
    ...(observerFile === undefined ? {} : { observerToken: tokenFrom(observerFile) }),
    ...(url === undefined ? {} : { attachment: attachDatabase(url, values.label) }),
  });
  console.log(JSON.stringify({ url: service.url, port: service.port, pid: process.pid }));
  const stop = (): void => void service.stop();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  // Whoever starts it with a pipe and dies, by kill -9 too, takes it along.
  if (values['exit-with-stdin']) process.stdin.once('end', stop).resume();
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(`volumes: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  });
}

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';

/** A program as it was looked at: the open file is what is started, whatever its name leads to meanwhile. */
export interface Program {
  /** What to start: the open file itself where the system allows, otherwise its name. */
  readonly exec: string;
  readonly sha256: string;
  close(): Promise<void>;
}

/** Why a program cannot be used, in plain words. */
export class ProgramFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProgramFault';
  }
}

const MAX_BYTES = 512n * 1024n * 1024n;
const MAX_KNOWN = 256;
/** Digests by what the system says of a file; a file that was written to since has another change time. */
const known = new Map<string, string>();

/** Opens and hashes. Throws ProgramFault. */
export async function openProgram(path: string): Promise<Program> {
  let file: FileHandle;
  try {
    await access(path, constants.X_OK);
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new ProgramFault(`\`${path}\` cannot be started (${codeOf(error)})`);
  }
  try {
    const stat = await file.stat({ bigint: true });
    if (!stat.isFile()) throw new ProgramFault(`\`${path}\` is no file`);
    if ((stat.mode & 0o002n) !== 0n)
      throw new ProgramFault(`\`${path}\` can be written by everybody on this machine`);
    if (stat.size > MAX_BYTES) throw new ProgramFault(`\`${path}\` is too large to be pinned`);
    const key = `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
    const sha256 = known.get(key) ?? (await digestOf(file));
    keep(key, sha256);
    return { exec: await execOf(file, path), sha256, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error instanceof ProgramFault
      ? error
      : new ProgramFault(`\`${path}\` cannot be read (${codeOf(error)})`);
  }
}

async function digestOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ autoClose: false, start: 0 }))
    hash.update(chunk);
  return hash.digest('hex');
}

function keep(key: string, sha256: string): void {
  known.delete(key);
  known.set(key, sha256);
  for (const first of known.keys()) {
    if (known.size <= MAX_KNOWN) break;
    known.delete(first);
  }
}

/**
 * A binary is started from the open file. A script is named to its interpreter, which opens it again when ours is closed
 * in it: so it is named through this process, which keeps it open.
 */
async function execOf(file: FileHandle, path: string): Promise<string> {
  if (process.platform !== 'linux') return path;
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  const holder = buffer.toString('latin1') === '#!' ? String(process.pid) : 'self';
  return `/proc/${holder}/fd/${file.fd}`;
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown fault';
}

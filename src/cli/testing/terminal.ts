import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Doors } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { haltFile } from '../../doors.ts';
import type { ChildEnd, Io } from '../io.ts';
import { main } from '../main.ts';
import type { Parts } from '../parts.ts';

/** One command line as a user runs it, in this process: what came out, what was asked, how it ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The one object on stdout with `--json`. */
  readonly json: JsonObject;
}

export interface Typed {
  readonly stdin?: string;
  /** Lines typed at a terminal; without it there is no terminal. */
  readonly lines?: readonly string[];
  readonly env?: { readonly [name: string]: string };
  readonly spawn?: Io['spawn'];
  readonly parts?: Partial<Parts>;
  /** Resolves when the command is to be stopped by a signal. */
  readonly stop?: Promise<string>;
  readonly onOut?: (text: string) => void;
}

export interface Terminal {
  readonly folder: string;
  readonly home: string;
  run(argv: readonly string[], typed?: Typed): Promise<Ended>;
  close(): Promise<void>;
}

const SIGNALBOX = fileURLToPath(new URL('../../../bin/signalbox.js', import.meta.url));

const noStore = () => Promise.reject(new Error('no store in this test'));

const NO_PARTS: Parts = {
  version: '0.0.0-test',
  start: () => Promise.reject(new Error('nothing to start in this test')),
  haltFile,
  verify: () => Promise.reject(new Error('no directory in this test')),
  treeOf: () => Promise.reject(new Error('no directory in this test')),
  store: { migrate: noStore, backup: noStore, restore: noStore, check: noStore, move: noStore },
  keys: { rotate: noStore, forgetOld: noStore },
};

export async function openTerminal(doors: Doors): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-terminal-'));
  const home = join(folder, 'home');
  return {
    folder,
    home,
    async run(argv, typed = {}) {
      const written = { out: '', err: '' };
      const io = terminalIo(
        doors,
        folder,
        { ...typed, env: { SIGNALBOX_HOME: home, ...typed.env } },
        written,
      );
      const code = await main(argv, io, { ...NO_PARTS, ...typed.parts });
      const { out, err } = written;
      if (!argv.includes('--json') || out === '') return { code, out, err, json: {} };
      const lines = out.split('\n');
      if (lines.length !== 2 || lines[1] !== '')
        throw new Error(`expected exactly one JSON object on stdout, got: ${out}`);
      return { code, out, err, json: JSON.parse(out) as JsonObject };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function terminalIo(
  doors: Doors,
  folder: string,
  typed: Typed,
  written: { out: string; err: string },
): Io {
  const lines = [...(typed.lines ?? [])];
  return {
    out: {
      write: (text) => {
        written.out += text;
        typed.onOut?.(text);
      },
      line: async (text) => {
        written.out += `${text}\n`;
        typed.onOut?.(`${text}\n`);
      },
      terminal: false,
    },
    err: {
      write: (text) => {
        written.err += text;
      },
      line: async (text) => {
        written.err += `${text}\n`;
      },
      terminal: false,
    },
    input: {
      all: async (limit) => {
        const text = typed.stdin ?? '';
        if (Buffer.byteLength(text) > limit) throw new RangeError('too much');
        return text;
      },
      line: async () => lines.shift() ?? null,
      hidden: async () => lines.shift() ?? null,
      async *bytes() {
        yield Buffer.from(typed.stdin ?? '');
      },
      terminal: typed.lines !== undefined,
    },
    doors,
    env: { ...typed.env },
    cwd: folder,
    program: [process.execPath, SIGNALBOX],
    home: folder,
    uid: process.getuid?.() ?? null,
    versions: process.versions,
    fetch: (...request) => fetch(...request),
    spawn: typed.spawn ?? (async (): Promise<ChildEnd> => ({ code: 0, signal: null })),
    onHalt: () => () => {},
    onStop(stop) {
      typed.stop?.then(stop);
      return () => {};
    },
  };
}

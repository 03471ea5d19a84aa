import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Doors } from '../domain/doors.ts';
import type { ChildEnd, Input, Io, Output } from './io.ts';

/** The one place where the commands meet the machine: environment, streams, network, children, signals. */
export function machine(doors: Doors): Io {
  return {
    out: output(process.stdout),
    err: output(process.stderr),
    input: input(process.stdin),
    doors,
    env: process.env,
    cwd: process.cwd(),
    program: [process.execPath, ...process.argv.slice(1, 2).map((file) => realpathSync(file))],
    home: homedir(),
    uid: process.getuid?.() ?? null,
    versions: process.versions,
    fetch: (...request) => fetch(...request),
    spawn: child,
    onStop(stop) {
      const heard = (signal: NodeJS.Signals): void => stop(signal);
      for (const signal of STOPS) process.on(signal, heard);
      return () => {
        for (const signal of STOPS) process.off(signal, heard);
      };
    },
    onHalt(halt) {
      const heard = (): void => halt();
      process.on('SIGUSR2', heard);
      return () => void process.off('SIGUSR2', heard);
    },
  };
}

const STOPS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const SIGNAL_NUMBERS: { readonly [signal: string]: number } = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGTERM: 15,
};

function output(stream: WriteStream): Output {
  // whoever read this is gone: nothing more can be said to it, and its going is no fault of ours
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    write: (text) => {
      stream.write(text);
    },
    line: (text) =>
      new Promise((resolve) => {
        stream.write(`${text}\n`, () => resolve());
      }),
    terminal: stream.isTTY === true,
  };
}

function input(stream: ReadStream): Input {
  return {
    terminal: stream.isTTY === true,
    async all(limit) {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of stream) {
        const bytes = Buffer.from(chunk);
        size += bytes.length;
        if (size > limit) throw new RangeError(`more than ${limit} bytes`);
        chunks.push(bytes);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    async line() {
      const { createInterface } = await import('node:readline');
      const lines = createInterface({ input: stream, terminal: false });
      try {
        for await (const line of lines) return line;
        return null;
      } finally {
        lines.close();
        stream.pause();
      }
    },
    hidden: () => unseen(stream),
    bytes: () => bytesOf(stream),
  };
}

const ENTER = /[\r\n]/;
/** Ctrl-C and Ctrl-D. */
const BREAK = [3, 4].map((code) => String.fromCharCode(code));

/** The terminal hands over every key and shows none, until the line is over. */
async function unseen(stream: ReadStream): Promise<string | null> {
  stream.setRawMode(true);
  let typed = '';
  try {
    for await (const chunk of stream) {
      const keys = String(chunk);
      if (BREAK.some((key) => keys.includes(key))) return null;
      for (const key of keys.split(ENTER)[0] ?? '')
        typed = key === '\x7f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      if (ENTER.test(keys)) return typed;
    }
    return null;
  } finally {
    stream.setRawMode(false);
    stream.pause();
  }
}

/** A generator that waits cannot be told to return, so the stream itself is ended under it. */
function bytesOf(stream: ReadStream): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  const generator: AsyncGenerator<Uint8Array> = {
    next: async () => {
      try {
        const { value, done } = await iterator.next();
        return done === true ? OVER : { value: value as Uint8Array, done: false };
      } catch {
        return OVER;
      }
    },
    return: async () => {
      stream.destroy();
      return OVER;
    },
    throw: (error) => Promise.reject(error),
    [Symbol.asyncIterator]: () => generator,
    [Symbol.asyncDispose]: async () => void stream.destroy(),
  };
  return generator;
}

const OVER = { value: undefined, done: true } as const;

/** The child shares this terminal. A signal to us goes to it, and we end as it ended. */
function child(
  command: readonly string[],
  env: { readonly [name: string]: string | undefined },
): Promise<ChildEnd> {
  const [program = '', ...rest] = command;
  return new Promise((resolve, reject) => {
    const running = spawn(program, rest, { stdio: 'inherit', env: { ...env } });
    // Ctrl-C at a terminal reaches the child by itself; passing it on would be a second one.
    const passOn = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT' || process.stdin.isTTY !== true) running.kill(signal);
    };
    for (const signal of STOPS) process.on(signal, passOn);
    const quiet = (): void => {
      for (const signal of STOPS) process.off(signal, passOn);
    };
    running.once('error', (error) => {
      quiet();
      reject(error);
    });
    running.once('close', (code, signal) => {
      quiet();
      resolve({ code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0), signal });
    });
  });
}

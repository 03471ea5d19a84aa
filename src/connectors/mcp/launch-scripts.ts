import { realpath, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';

/** What a program is made of; what it keeps beside itself while it runs is its own affair. */
const CODE = new Set(
  '.js .mjs .cjs .ts .mts .cts .jsx .tsx .node .wasm .py .pyc .so .rb .pl .sh .php .lua .jar .class .dll .exe'.split(
    ' ',
  ),
);
/** Programs that run the first file, or the package in the first folder, that they are given. */
const INTERPRETER =
  /^(?:node|nodejs|deno|bun|tsx|ts-node|python[\d.]*|ruby|perl|php|lua|(?:ba|z|da|k)?sh)$/;
/** Their options that load a file before that one. */
const LOADING = /^(?:-r|--require|--import|--loader|--experimental-loader|--preload)$/;
const MOST = 16;

export function isCode(name: string): boolean {
  return CODE.has(extname(name));
}

interface Start {
  /** Of the program, every link followed. */
  readonly place: string;
  readonly args: readonly string[];
  /** Values of the variables that its connection sets. */
  readonly env: readonly string[];
  readonly cwd: string;
}

/** The script that is run, and those that are loaded before it; every link followed. Words behind the script are its data. */
export async function scriptsOf({ place, args, env, cwd }: Start): Promise<{
  readonly entry: string | null;
  readonly preloads: readonly string[];
}> {
  const found = new Set<string>();
  const loads = async (word: string): Promise<void> => {
    const real = isCode(word) ? await fileAt(word, cwd) : null;
    if (real !== null && found.size < MOST) found.add(real);
  };
  for (const value of env)
    for (const word of value.split(/[\s:;=,]+/).slice(0, 100)) await loads(word);
  const runsItself = isCode(place);
  let entry = runsItself ? place : null;
  for (let i = 0; i < args.length && entry === null; i++) {
    const word = args[i] ?? '';
    if (LOADING.test(word)) await loads(args[++i] ?? '');
    else if (word.startsWith('-')) await loads(word.slice(word.indexOf('=') + 1));
    else entry = await entryAt(word, place, cwd);
  }
  return { entry, preloads: [...found].filter((each) => each !== entry).sort() };
}

/** A file that is code; for an interpreter any file, and the package that a folder is. */
async function entryAt(word: string, place: string, cwd: string): Promise<string | null> {
  if (isCode(word)) return fileAt(word, cwd);
  if (!INTERPRETER.test(basename(place))) return null;
  return (
    (await fileAt(word, cwd)) ??
    (await fileAt(join(word, 'package.json'), cwd)) ??
    (await fileAt(join(word, 'index.js'), cwd)) ??
    (await fileAt(join(word, '__main__.py'), cwd))
  );
}

async function fileAt(word: string, cwd: string): Promise<string | null> {
  const real = await realpath(resolve(cwd, word)).catch(() => null);
  return real !== null && (await stat(real)).isFile() ? real : null;
}

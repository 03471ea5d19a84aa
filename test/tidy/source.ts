import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scan } from './scan.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Path from the root of the repository when the import is relative. */
  readonly target?: string;
}

export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly code: string;
  readonly uncommented: string;
  readonly imports: readonly Import[];
}

const forms = [
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"\n]+)\1/g,
  /\bimport\s*(['"])([^'"\n]+)\1/g,
  /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g,
  /\bnew URL\s*\(\s*(['"])(\.[^'"\n]+\.[tj]s)\1/g,
];

export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split('\n').length;

export function source(path: string, text: string): Source {
  const isCode = /\.[tj]s$/.test(path);
  const { code, uncommented } = isCode ? scan(text) : { code: text, uncommented: text };
  const imports = isCode ? findImports(path, code, uncommented) : [];
  return { path, text, lines: text.split('\n'), code, uncommented, imports };
}

function findImports(path: string, code: string, uncommented: string): Import[] {
  const found: Import[] = [];
  for (const form of forms) {
    for (const match of uncommented.matchAll(form)) {
      // The keyword must be code: an example inside a string imports nothing.
      if (!/[a-z]/.test(code[match.index] ?? '')) continue;
      const specifier = match[2] ?? '';
      const relative = specifier.startsWith('.');
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      found.push({ specifier, line: lineAt(code, match.index), ...(relative ? { target } : {}) });
    }
  }
  return found;
}

const skipped = new Set(['node_modules', 'dist', '.git', '.signalbox', 'coverage']);
const read = /\.(ts|js|json|md|ya?ml|sql|html|css|txt|sh|toml)$|^\.ci\/|^\.npmrc$|^[A-Z]+$/;

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every text file of the repository, read once. */
export function readHouse(folder = root): Source[] {
  const found: Source[] = [];
  const walk = (inside: string): void => {
    for (const entry of readdirSync(folder + inside, { withFileTypes: true })) {
      const path = inside + entry.name;
      if (entry.isDirectory() && !skipped.has(entry.name)) walk(`${path}/`);
      else if (entry.isFile() && read.test(path)) {
        found.push(source(path, readFileSync(folder + path, 'utf8')));
      }
    }
  };
  walk('');
  return found;
}

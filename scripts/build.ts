/** `npm run build`: src/ → dist/ as plain JavaScript, with its assets and its bill of materials. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readLockfile, readManifest } from './check/lockfile.ts';
import { root, runTool } from './check/programs.ts';
import { makeSbom } from './check/sbom.ts';

const source = `${root}src/`;
const out = `${root}dist/`;

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length).replace(/^\//, ''));

rmSync(out, { recursive: true, force: true });
const compiled = await runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json']);
if (compiled.code !== 0) {
  console.error(compiled.output);
  process.exit(1);
}

const assets = filesIn(source).filter((path) => !path.endsWith('.ts'));
for (const path of assets) {
  mkdirSync(dirname(out + path), { recursive: true });
  cpSync(source + path, out + path);
}

const modules = filesIn(out).filter((path) => path.endsWith('.js'));
for (const path of modules) {
  const text = readFileSync(out + path, 'utf8');
  // tsc rewrites imports; the address of a worker is a string to it.
  const rewritten = text.replace(
    /(new URL\(\s*['"]\.{1,2}\/[^'"]+)\.ts(['"],\s*import\.meta\.url)/g,
    '$1.js$2',
  );
  if (rewritten !== text) writeFileSync(out + path, rewritten);
}

const bom = makeSbom(readLockfile(), readManifest());
writeFileSync(`${out}sbom.json`, `${JSON.stringify(bom, null, 2)}\n`);
console.error(`dist: ${modules.length} modules, ${assets.length} assets, sbom.json`);

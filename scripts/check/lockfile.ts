/**
 * What `package-lock.json` must hold: every package pinned by a SHA-512, no address of a registry
 * (the reader's own npm decides where packages come from), no install script that nobody decided on,
 * a counted number of packages that reach users, and licences from a short list.
 */
import { readFileSync } from 'node:fs';
import { root } from './programs.ts';
import type { Finding } from './report.ts';

export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

export const readJson = (path: string): unknown => JSON.parse(readFileSync(root + path, 'utf8'));
export const readLockfile = (): Lockfile => readJson('package-lock.json') as Lockfile;
export const readManifest = (): Manifest => readJson('package.json') as Manifest;

const inModules = 'node_modules/';

/** `node_modules/a/node_modules/@b/c` → `@b/c`. */
export function packageName(path: string): string {
  return path.slice(path.lastIndexOf(inModules) + inModules.length);
}

/** Everything that comes from a registry: not the project itself, not its own folders. */
export function installed(lock: Lockfile): [path: string, entry: LockedPackage][] {
  return Object.entries(lock.packages).filter(
    ([path, entry]) => path.includes(inModules) && entry.link !== true,
  );
}

/** What a user of the published package gets. */
export function shipped(lock: Lockfile): [path: string, entry: LockedPackage][] {
  return installed(lock).filter(([, entry]) => !entry.dev && !entry.devOptional);
}

export function integrity(lock: Lockfile): Finding {
  const problems: string[] = [];
  for (const [path, entry] of installed(lock)) {
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? '')) {
      problems.push(
        `\`${path}\` has no SHA-512 integrity: remove it and run \`npm install\` again`,
      );
    }
    if (entry.resolved !== undefined) {
      problems.push(`\`${path}\` names where it came from: \`${entry.resolved}\``);
    }
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (/^[a-z+]+:\/\//i.test(entry.resolved ?? '') && !path.includes(inModules)) {
      problems.push(`\`${path}\` names an address: \`${entry.resolved}\``);
    }
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (locate(lock, path, name) === undefined) {
        problems.push(
          `\`${name}\`, optional for \`${path}\`, is not locked: \`npm ci\` would refuse`,
        );
      }
    }
  }
  return { detail: `${installed(lock).length} packages, each pinned by SHA-512`, problems };
}

/** Where Node would find `name` when the package at `from` asks for it; undefined: nowhere. */
export function locate(lock: Lockfile, from: string, name: string): string | undefined {
  for (let at = from; ; ) {
    const path = `${at === '' ? '' : `${at}/`}${inModules}${name}`;
    if (lock.packages[path]) return path;
    if (at === '') return undefined;
    const up = at.lastIndexOf(`/${inModules}`);
    at = up < 0 ? '' : at.slice(0, up);
  }
}

export function pins(manifest: Manifest): Finding {
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  const problems = Object.entries(all)
    .filter(([, range]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range) && !range.startsWith('file:'))
    .map(([name, range]) => `\`${name}\` is \`${range}\`: write the exact version`);
  return { detail: `${Object.keys(all).length} direct dependencies, exact versions`, problems };
}

export function installScripts(lock: Lockfile, manifest: Manifest): Finding {
  const decided = manifest.allowScripts;
  const having = new Set(
    installed(lock)
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([path]) => packageName(path)),
  );
  const problems: string[] = [];
  for (const name of having) {
    if (!(name in decided)) {
      problems.push(`\`${name}\` wants to run a script at install: decide in \`allowScripts\``);
    }
  }
  for (const name of Object.keys(decided)) {
    if (!having.has(name)) problems.push(`\`allowScripts\` names \`${name}\`, which has no script`);
  }
  const allowed = Object.values(decided).filter((allow) => allow).length;
  return { detail: `${having.size} packages have one, ${allowed} may run it`, problems };
}

/** Raised only on purpose, together with `docs/decisions/`: every package here reaches users. */
export const budget = { direct: 11, total: 31 };

export function dependencyCount(lock: Lockfile, manifest: Manifest): Finding {
  const direct = Object.keys(manifest.dependencies).length;
  const total = shipped(lock).length;
  const problems: string[] = [];
  if (direct !== budget.direct) {
    problems.push(`${direct} direct runtime dependencies, the budget says ${budget.direct}`);
  }
  if (total !== budget.total) {
    problems.push(`${total} runtime packages in all, the budget says ${budget.total}`);
  }
  return { detail: `${direct} direct, ${total} in all, as budgeted`, problems };
}

export const allowedLicences = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0'];

export function licences(lock: Lockfile): Finding {
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const [path, entry] of shipped(lock)) {
    const licence = entry.license ?? 'none';
    seen.add(licence);
    if (!allowedLicences.includes(licence)) {
      problems.push(`\`${packageName(path)}\` has licence \`${licence}\``);
    }
  }
  return { detail: `runtime: ${[...seen].sort().join(', ')}`, problems };
}

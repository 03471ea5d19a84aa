/** The bill of materials of what users receive: CycloneDX 1.6, made from `package-lock.json`. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import {
  installed,
  type LockedPackage,
  type Lockfile,
  locate,
  type Manifest,
  packageName,
  shipped,
} from './lockfile.ts';
import { root } from './programs.ts';
import type { Finding } from './report.ts';

export interface Component {
  readonly type: 'library' | 'application';
  readonly 'bom-ref': string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly scope?: 'required' | 'optional';
  readonly hashes?: readonly { readonly alg: 'SHA-512'; readonly content: string }[];
  readonly licenses: readonly { readonly license: { readonly id: string } }[];
}

export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function component(path: string, entry: LockedPackage): Component {
  const name = packageName(path);
  const version = entry.version ?? '';
  const sha512 = Buffer.from((entry.integrity ?? '').replace('sha512-', ''), 'base64');
  return {
    type: 'library',
    'bom-ref': purl(name, version),
    ...(name.startsWith('@') ? { group: name.split('/')[0] ?? '' } : {}),
    name: name.split('/').at(-1) ?? name,
    version,
    purl: purl(name, version),
    scope: entry.optional ? 'optional' : 'required',
    hashes: [{ alg: 'SHA-512', content: sha512.toString('hex') }],
    licenses: [{ license: { id: entry.license ?? 'NOASSERTION' } }],
  };
}

function dependsOn(lock: Lockfile, path: string): string[] {
  const entry = lock.packages[path];
  const names = Object.keys({ ...entry?.dependencies, ...entry?.optionalDependencies });
  const refs = names.flatMap((name) => {
    const found = locate(lock, path, name);
    return found === undefined ? [] : [purl(name, lock.packages[found]?.version ?? '')];
  });
  return refs.sort();
}

/** The serial number follows from the content, so that the same lockfile gives the same bytes. */
function serialNumber(content: unknown): string {
  const hex = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return `urn:uuid:${[...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')}`;
}

export function makeSbom(lock: Lockfile, manifest: Manifest): Sbom {
  const own: Component = {
    type: 'application',
    'bom-ref': purl(manifest.name, manifest.version),
    name: manifest.name,
    version: manifest.version,
    purl: purl(manifest.name, manifest.version),
    licenses: [{ license: { id: manifest.license } }],
  };
  const packages = shipped(lock);
  const components = packages.map(([path, entry]) => component(path, entry));
  const dependencies = [
    { ref: own['bom-ref'], dependsOn: dependsOn(lock, '') },
    ...packages.map(([path, entry]) => ({
      ref: purl(packageName(path), entry.version ?? ''),
      dependsOn: dependsOn(lock, path),
    })),
  ];
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialNumber([own, components, dependencies]),
    version: 1,
    metadata: { component: own },
    components,
    dependencies,
  };
}

/** Complete: every shipped package is in it and reachable, and what is on disk is what it says. */
export function sbom(lock: Lockfile, manifest: Manifest, folder = root): Finding {
  const made = makeSbom(lock, manifest);
  const problems: string[] = [];
  const reached = reachable(made);
  for (const one of made.components) {
    if (!reached.has(one['bom-ref'])) problems.push(`nothing depends on \`${one['bom-ref']}\``);
    if (!/^[0-9a-f]{128}$/.test(one.hashes?.[0]?.content ?? '')) {
      problems.push(`\`${one['bom-ref']}\` has no hash`);
    }
  }
  for (const ref of reached) {
    const known = made.components.some((one) => one['bom-ref'] === ref);
    if (!known && ref !== made.metadata.component['bom-ref']) {
      problems.push(`\`${ref}\` reaches users and is not in the list`);
    }
  }
  for (const [path, entry] of installed(lock)) {
    const file = `${folder}${path}/package.json`;
    if (!existsSync(file)) continue;
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    if (version !== entry.version) {
      problems.push(`\`${path}\` is ${version} on disk and ${entry.version} in the lockfile`);
    }
  }
  return { detail: `CycloneDX 1.6, ${made.components.length} components, complete`, problems };
}

function reachable(made: Sbom): Set<string> {
  const edges = new Map(made.dependencies.map((one) => [one.ref, one.dependsOn]));
  const reached = new Set<string>();
  const open = [made.metadata.component['bom-ref']];
  for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
    if (reached.has(ref)) continue;
    reached.add(ref);
    open.push(...(edges.get(ref) ?? []));
  }
  return reached;
}

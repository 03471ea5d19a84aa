import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { addressKind } from '../../boundary/addresses.ts';
import {
  type Expanded,
  envFileValues,
  expandText,
  type Surroundings,
} from '../../clients/expand.ts';
import { launchOf } from '../../clients/launch-words.ts';
import { unwrapped } from '../../clients/unwrap.ts';
import { loadConfig } from '../../config/load.ts';
import { starterFile } from '../../config/starter.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Found, Left, Moved, Taken } from './found.ts';
import {
  isThere,
  type Program,
  packageProgram,
  programOf,
  Unresolved,
  type Where,
} from './resolve.ts';
import { isSecretValue, namesSomeSecret } from './secret-values.ts';

export interface Taking {
  readonly around: Surroundings;
  readonly where: Where;
  /** What is to be said of it before anything is started. */
  readonly notes: readonly string[];
  /** A name for a connection, and for a secret, that nothing else has. */
  readonly nameOf: (wanted: string) => string;
  readonly secretName: (connection: string, what: string) => string;
}

const MAX_ENV_FILE = 256 * 1024;
/** What a client sends by itself, or the protocol does. */
const DROPPED_HEADERS = /^(?:accept|content-type|user-agent|mcp-.*|last-event-id)$/i;

/** What an entry becomes. A server that cannot be taken as it stands is left, and says why. */
export async function taken(found: Found, taking: Taking): Promise<Taken | Left> {
  try {
    const connection = taking.nameOf(slug(found.name));
    const made = await new Maker(found, connection, taking).make();
    const text = starterFile('check', { [connection]: made.value });
    loadConfig(text, 'signalbox.yaml');
    return made;
  } catch (error) {
    if (error instanceof Unresolved) return { found, why: error.message, fix: error.fix };
    if (error instanceof SignalboxError) return { found, why: error.message, fix: error.help };
    throw error;
  }
}

/** Names of connections are lower-case letters, digits, `_` and `-`. */
export function slug(name: string): string {
  const plain = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
  return plain === '' ? 'server' : plain;
}

class Maker {
  readonly #found: Found;
  readonly #connection: string;
  readonly #taking: Taking;
  readonly #secrets: Moved[] = [];
  readonly #notes: string[];
  /** Variables that its command line sets. */
  #own: { readonly [name: string]: string } = {};

  constructor(found: Found, connection: string, taking: Taking) {
    this.#found = found;
    this.#connection = connection;
    this.#taking = taking;
    this.#notes = [...taking.notes];
  }

  async make(): Promise<Taken> {
    const { entry } = this.#found;
    if (entry.transport === null)
      throw new Unresolved(
        'it has neither a command nor an address',
        'mend the entry, or take it out',
      );
    if (entry.transport === 'http') return this.#remote(entry.url, entry.headers, null);
    const around = await this.#aroundArguments();
    const whole = this.#plain(entry.command, 'the command').value;
    const [command = '', ...first] = await this.#words(whole);
    const args = [
      ...first.map((value): Expanded => ({ value, missing: [], from: [] })),
      ...entry.args.map((word) => this.#plain(word, 'an argument', around)),
    ];
    const plain = unwrapped(
      command,
      args.map(({ value }) => value),
    );
    this.#own = plain.env;
    const launch = launchOf(plain.command, plain.args);
    switch (launch.kind) {
      case 'remote':
        return this.#remote(launch.url, launch.headers, 'mcp-remote');
      case 'fetched': {
        const installed =
          launch.program === null
            ? null
            : await programOf(launch.program, launch.args, await this.#where()).catch(() => null);
        if (installed !== null) {
          this.#notes.push(
            `it was started by \`${launch.launcher}\`: what is installed is started`,
          );
          return this.#local(installed, args);
        }
        throw new Unresolved(
          `\`${launch.launcher}\` may download \`${launch.what.slice(0, 80)}\` at every start`,
          'install it, and write the program that was installed as `command`',
        );
      }
      case 'package':
        return this.#local(await packageProgram(launch, launch.args, await this.#where()), args);
      case 'program':
        return this.#local(await programOf(launch.command, launch.args, await this.#where()), args);
    }
  }

  /** Bridges read what stands in their arguments from the variables of their own entry. */
  async #aroundArguments(): Promise<Surroundings> {
    const { around } = this.#taking;
    const own = [...(await this.#variables())].map(([name, { value }]) => [name, value]);
    return { ...around, env: { ...Object.fromEntries(own), ...around.env } };
  }

  /** Some write a whole command line as `command`; a program whose path has blanks in it is none. */
  async #words(command: string): Promise<string[]> {
    if (!/^[\w.~/-]+\s/.test(command) || (await isThere(command))) return [command];
    this.#notes.push('its `command` is a whole line: it is taken as the words of it');
    return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
      ([, double, single, bare]) => double ?? single ?? bare ?? '',
    );
  }

  async #where(): Promise<Where> {
    const { cwd } = this.#found.entry;
    const { where, around } = this.#taking;
    if (cwd === null) return where;
    const base = resolve(around.workspace, this.#plain(cwd, '`cwd`').value);
    if (await isThere(base)) return { ...where, bases: [base] };
    throw new Unresolved(`its folder \`${base}\` is not there`, 'make it, or mend `cwd`');
  }

  #plain(text: string, what: string, around = this.#taking.around): Expanded {
    const expanded = expandText(text, around);
    const [missing] = expanded.missing;
    if (missing === undefined) return expanded;
    const input = missing.startsWith('input:');
    throw new Unresolved(
      `${what} needs \`${missing}\`, which has no value here`,
      input
        ? `give it: \`--inputs FILE\`, a file of yours alone with \`{"${missing.slice(6)}": "…"}\``
        : `set \`${missing}\` in the environment of this command, as its client has it`,
    );
  }

  async #local(program: Program, args: readonly Expanded[]): Promise<Taken> {
    const env: { [name: string]: string } = {};
    const secrets: { [variable: string]: string } = {};
    for (const [variable, { value, from }] of await this.#variables()) {
      const isSecret = from.some(({ secret }) => secret) || isSecretValue(variable, value);
      if (isSecret) secrets[variable] = this.#move(variable, value, `\`env.${variable}\``);
      else env[variable] = value;
    }
    const command = this.#withoutSecrets(program.command, args, secrets);
    const value: JsonObject = {
      ...{ kind: 'mcp', command, cwd: program.cwd },
      ...(Object.keys(env).length === 0 ? {} : { env }),
      ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    };
    return this.#taken(value, program.package);
  }

  /** What the client would put into its environment, in the order in which later ones win. */
  async #variables(): Promise<Map<string, Expanded>> {
    const { entry } = this.#found;
    const { around } = this.#taking;
    const variables = new Map<string, Expanded>();
    if (entry.envFile !== null) {
      const path = resolve(around.workspace, this.#plain(entry.envFile, '`envFile`').value);
      const known = await stat(path).catch(() => null);
      if (known === null || known.size > MAX_ENV_FILE)
        throw new Unresolved(`its \`envFile\` cannot be read`, 'write its variables under `env`');
      for (const [name, value] of Object.entries(envFileValues(await readFile(path, 'utf8'))))
        variables.set(name, { value, missing: [], from: [] });
    }
    for (const name of entry.envNames) {
      const value = around.env[name];
      if (value !== undefined)
        variables.set(name, { value, missing: [], from: [{ name, secret: false }] });
    }
    for (const [name, text] of Object.entries(entry.env))
      if (!this.#isUnset(name, text)) variables.set(name, this.#plain(text, `\`env.${name}\``));
    for (const [name, value] of Object.entries(this.#own))
      variables.set(name, { value, missing: [], from: [] });
    return variables;
  }

  /** A variable that is nothing but another one, which has no value here, is not set, as with its client; but no secret. */
  #isUnset(name: string, text: string): boolean {
    const { value, missing } = expandText(text, this.#taking.around);
    const [other = ''] = missing;
    if (value !== '' || missing.length !== 1 || other.startsWith('input:')) return false;
    if (namesSomeSecret(name) || namesSomeSecret(other)) return false;
    const note = `\`env.${name}\` is not set: \`${other}\` has no value here`;
    if (!this.#notes.includes(note)) this.#notes.push(note);
    return true;
  }

  #withoutSecrets(
    command: readonly string[],
    args: readonly Expanded[],
    secrets: { [variable: string]: string },
  ): string[] {
    const prompted = new Set(
      args.filter(({ from }) => from.some(({ secret }) => secret)).map(({ value }) => value),
    );
    let count = 0;
    return command.map((word, i) => {
      const [, flag = '', given] = /^--?([A-Za-z][A-Za-z0-9_-]*)(?:=(.*))?$/s.exec(word) ?? [];
      const [, before = ''] = /^--?([A-Za-z][A-Za-z0-9_-]*)$/.exec(command[i - 1] ?? '') ?? [];
      const value = given ?? (flag === '' ? word : '');
      if (
        i === 0 ||
        value === '' ||
        !(prompted.has(word) || isSecretValue(given === undefined ? before : flag, value))
      )
        return word;
      count += 1;
      const variable = `SIGNALBOX_ARGUMENT_${count}`;
      secrets[variable] = this.#move(`argument-${count}`, value, `argument ${i}`);
      this.#notes.push(
        `argument ${i} is a secret: while the server runs, anybody on this machine can read it`,
      );
      return `${word.slice(0, word.length - value.length)}\${secret:${variable}}`;
    });
  }

  #remote(
    written: string,
    headers: { readonly [name: string]: string },
    wrapper: string | null,
  ): Taken {
    const { headerNames } = this.#found.entry;
    const url = this.#address(this.#plain(written, 'its address').value);
    const others: { [name: string]: string } = {};
    const secret: { name: string; header: string; prefix: string }[] = [];
    const all = [
      ...Object.entries(headers),
      ...Object.entries(headerNames).map(
        ([header, variable]) => [header, `\${${variable}}`] as const,
      ),
    ];
    for (const [header, text] of all) {
      if (DROPPED_HEADERS.test(header)) continue;
      const bearer =
        header === 'Authorization' && headerNames.Authorization !== undefined ? 'Bearer ' : '';
      const { value, from } = this.#named(header, text);
      if (!from.some((each) => each.secret) && !isSecretValue(header, value)) {
        others[header] = value;
        continue;
      }
      const [, prefix = ''] = /^((?:Bearer|Basic|Token|ApiKey)\s+)/i.exec(value) ?? [];
      const name = this.#move(
        header.toLowerCase(),
        value.slice(prefix.length),
        `header \`${header}\``,
      );
      secret.push({ name, header: header.toLowerCase(), prefix: prefix === '' ? bearer : prefix });
    }
    const [first, second] = secret;
    if (second !== undefined)
      throw new Unresolved(
        'more than one of its headers is a secret',
        'one secret a connection can be sent',
      );
    const value: JsonObject = {
      ...{ kind: 'mcp', url: url.href.replace(/\/$/, url.pathname === '/' ? '' : '/') },
      ...(isPrivate(url.hostname) ? { allowPrivate: true } : {}),
      ...(first === undefined
        ? {}
        : { secret: first.name, header: first.header, prefix: first.prefix }),
      ...(Object.keys(others).length === 0 ? {} : { headers: others }),
    };
    if (wrapper !== null)
      this.#notes.push(`it was bridged by \`${wrapper}\`; Signalbox calls it itself`);
    return this.#taken(value, null);
  }

  /** Codex names variables of its environment outright. */
  #named(header: string, text: string): Expanded {
    const { entry } = this.#found;
    const variable = entry.headerNames[header];
    if (variable === undefined) return this.#plain(text, `header \`${header}\``);
    const value = this.#taking.around.env[variable];
    if (value !== undefined && value !== '')
      return { value, missing: [], from: [{ name: variable, secret: true }] };
    throw new Unresolved(
      `header \`${header}\` needs \`${variable}\`, which has no value here`,
      `set \`${variable}\` in the environment of this command, as its client has it`,
    );
  }

  #address(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol))
      throw new Unresolved('its address is no http(s) URL', 'mend the entry');
    if (url.username !== '' || url.password !== '')
      throw new Unresolved('its address holds a login', 'send it in a header instead');
    if (url.search !== '' || url.hash !== '')
      throw new Unresolved(
        'its address has a query, which may carry a secret',
        'write the address without it',
      );
    return url;
  }

  #move(what: string, value: string, from: string): string {
    const name = this.#taking.secretName(this.#connection, what);
    this.#secrets.push({ name, value, from });
    return name;
  }

  #taken(value: JsonObject, from: Taken['package']): Taken {
    const found = this.#found;
    const { unknown } = found.entry;
    const notes = [
      ...this.#notes,
      ...(unknown.length === 0
        ? []
        : [`not carried over: ${unknown.map((key) => `\`${key}\``).join(', ')}`]),
    ];
    const base = { found, connection: this.#connection, value, package: from, notes };
    return { ...base, secrets: this.#secrets };
  }
}

function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0) return addressKind(host) === 'private';
  return host === 'localhost' || /\.(?:local|internal|lan|home\.arpa|localhost)$/.test(host);
}

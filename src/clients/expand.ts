import type { Client, Input } from './client-file.ts';

/** What the variables of a client's file stand for. */
export interface Surroundings {
  readonly client: Client;
  readonly env: { readonly [name: string]: string | undefined };
  /** The user's home, and the folder that the file is for. */
  readonly home: string;
  readonly workspace: string;
  readonly inputs: readonly Input[];
  /** Answers to inputs, by id. */
  readonly answers: { readonly [id: string]: string };
}

export interface Expanded {
  readonly value: string;
  /** Names of variables and inputs without a value. */
  readonly missing: readonly string[];
  /** Variables and inputs that a value came from. */
  readonly from: readonly { readonly name: string; readonly secret: boolean }[];
}

const BRACED = /\$\{([^{}]*)\}/g;
const BARE = /\$(?:\{([^{}]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g;

/** A text as its client would hand it to the server. Codex and Claude Desktop expand nothing of their own. */
export function expandText(text: string, around: Surroundings): Expanded {
  const missing: string[] = [];
  const from: { name: string; secret: boolean }[] = [];
  if (around.client === 'codex') return { value: text, missing, from };
  const pattern = around.client === 'gemini' ? BARE : BRACED;
  const value = text.replaceAll(pattern, (whole, braced?: string, bare?: string) => {
    const found = meaningOf((braced ?? bare ?? '').trim(), around);
    if (found === null) return whole;
    if (found.value === null) {
      missing.push(found.name);
      return '';
    }
    from.push({ name: found.name, secret: found.secret });
    return found.value;
  });
  return { value, missing, from };
}

/** Null: no variable that a client knows, so it stays as it is. */
function meaningOf(
  inside: string,
  around: Surroundings,
): { name: string; value: string | null; secret: boolean } | null {
  const { workspace, home, env, inputs, answers } = around;
  const places: { readonly [name: string]: string } = {
    workspaceFolder: workspace,
    workspaceRoot: workspace,
    workspaceFolderBasename: workspace.slice(workspace.lastIndexOf('/') + 1),
    userHome: home,
    pathSeparator: '/',
    '/': '/',
  };
  const place = Object.hasOwn(places, inside) ? places[inside] : undefined;
  if (place !== undefined) return { name: inside, value: place, secret: false };
  if (inside.startsWith('input:')) {
    const id = inside.slice('input:'.length);
    const input = inputs.find((each) => each.id === id);
    const answer = Object.hasOwn(answers, id) ? answers[id] : undefined;
    const value = answer ?? input?.fallback ?? null;
    return { name: inside, value, secret: input?.secret === true };
  }
  const [, name, otherwise] = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside) ?? [];
  if (name === undefined) return null;
  const set = env[name];
  const value =
    set !== undefined && (set !== '' || otherwise === undefined) ? set : (otherwise ?? null);
  return { name, value, secret: false };
}

/** `NAME=value` lines, with comments, `export` and quotes. */
export function envFileValues(text: string): { [name: string]: string } {
  const values: { [name: string]: string } = {};
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [, name, raw = ''] =
      /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const [, quote, quoted] = /^(["'])(.*?)\1\s*(?:#.*)?$/.exec(raw.trim()) ?? [];
    values[name] =
      quoted === undefined
        ? raw.replace(/\s+#.*$/, '').trim()
        : quote === '"'
          ? quoted.replaceAll('\\n', '\n').replaceAll('\\"', '"')
          : quoted;
  }
  return values;
}

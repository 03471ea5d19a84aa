/** A command line without what only stands around it. */
export interface Unwrapped {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables that it sets by itself. */
  readonly env: { readonly [name: string]: string };
}

const ASSIGNED = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;
const SHELL = /^(?:ba|z|da|k)?sh$/;
/** With any of these a shell does more than start one program with these words. */
const MEANT = /[$`|&;<>()*?~#\n\\!{}[\]]/;
const MOST = 8;
const LONGEST = 4_000;

/** Sees through `env NAME=value …` and `sh -c "exec …"`, one in the other too. */
export function unwrapped(command: string, args: readonly string[]): Unwrapped {
  let now: Unwrapped = { command, args, env: {} };
  for (let round = 0; round < MOST; round++) {
    const inner = once(now);
    if (inner === null) return now;
    now = { ...inner, env: { ...now.env, ...inner.env } };
  }
  return now;
}

function once({ command, args }: Unwrapped): Unwrapped | null {
  const program = command.slice(command.lastIndexOf('/') + 1);
  if (program === 'env') {
    const words = args[0] === '--' ? args.slice(1) : args;
    return withoutAssignments(words);
  }
  const [flag = '', text = '', ...more] = args;
  if (!SHELL.test(program) || !/^-[lie]*c$/.test(flag) || more.length > 0) return null;
  if (text.length > LONGEST || MEANT.test(text)) return null;
  // words that touch quotes would be joined by the shell: each must stand alone
  const words = [...text.matchAll(/(?<=^|\s)(?:"([^"]*)"|'([^']*)'|([^\s"']+))(?=\s|$)/g)];
  if (
    words.map(([whole]) => whole).join('') !==
    text.replaceAll(/\s+(?=(?:[^"']|"[^"]*"|'[^']*')*$)/g, '')
  )
    return null;
  const plain = words.map(([, double, single, bare]) => double ?? single ?? bare ?? '');
  return withoutAssignments(plain[0] === 'exec' ? plain.slice(1) : plain);
}

/** Null where no program is left, or an option of `env` comes first. */
function withoutAssignments(words: readonly string[]): Unwrapped | null {
  const env: { [name: string]: string } = {};
  let at = 0;
  for (; at < words.length; at++) {
    const [, name, value = ''] = ASSIGNED.exec(words[at] ?? '') ?? [];
    if (name === undefined) break;
    env[name] = value;
  }
  const [command, ...args] = words.slice(at);
  const [first, ...rest] = command === 'exec' ? args : [command, ...args];
  if (first === undefined || first.startsWith('-')) return null;
  return { command: first, args: rest.map(String), env };
}

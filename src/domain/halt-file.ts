import { HALT_SCOPE_KINDS, type HaltScope, partsOf } from './halt.ts';

/** In the data directory of a replica. Whoever may write there may halt what runs there; nobody lifts a halt with it. */
export const HALT_FILE = 'HALT';
const MOST_LINES = 100;
const LONGEST = 2_000;

/** The file of local halts, as the broker uses it. */
export interface HaltFile {
  /** Null when there is none. Throws when it is there and cannot be read. */
  read(): Promise<string | null>;
  add(line: string): Promise<void>;
  /** Takes it away if it still says `text`; false when it says something else now. */
  clear(text: string): Promise<boolean>;
}

export interface LocalHalt {
  readonly scope: HaltScope;
  readonly reason: string;
}

/**
 * One halt a line: scope, space, reason. What cannot be read as that is taken for the worst: an empty file, an unknown
 * kind, a file of more lines than anybody writes, all halt everything.
 */
export function readHaltFile(text: string): readonly LocalHalt[] {
  const lines = text.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '');
  if (said.length === 0) return [everything('a halt file without a word')];
  if (said.length > MOST_LINES) return [everything(`a halt file of ${said.length} lines`)];
  return said.map(haltIn);
}

/** The line for `readHaltFile`. */
export function haltLine({ scope, reason }: LocalHalt): string {
  return `${scope} ${reason.replaceAll(/\s+/g, ' ').trim()}`.trim();
}

function haltIn(line: string): LocalHalt {
  const space = line.search(/\s/);
  const scope = space === -1 ? line : line.slice(0, space);
  const reason = space === -1 ? '' : line.slice(space).trim();
  const [kind, name] = partsOf(scope);
  const known = (HALT_SCOPE_KINDS as readonly string[]).includes(kind);
  if (!known || (name === '') !== (kind === 'all') || scope.length > LONGEST)
    return everything(`a halt file that says \`${line.slice(0, 200)}\``);
  return { scope, reason: (reason === '' ? 'no reason was given' : reason).slice(0, LONGEST) };
}

function everything(reason: string): LocalHalt {
  return { scope: 'all', reason };
}

import { actorsOf, type Run } from './run.ts';

/** `all`, `agent:NAME`, `run:ID`, `tool:NAME`, `connection:NAME`, `credential:ID`, `model:NAME`. */
export type HaltScope = string;

export const HALT_SCOPE_KINDS = [
  'all',
  'agent',
  'run',
  'tool',
  'connection',
  'credential',
  'model',
] as const;

/** The reason a call is aborted with when a halt brings it down. */
export const HALT_ABORT = new Error('halted');

/** Who raised a halt that no operator did: the automatic of a run or an agent, and the file or signal of one machine. */
export const AUTOMATIC = 'automatic';
export const LOCAL = 'local';

/** `run:ID` in two; `all` has no name. */
export function partsOf(scope: HaltScope): [kind: string, name: string] {
  const colon = scope.indexOf(':');
  return colon === -1 ? [scope, ''] : [scope.slice(0, colon), scope.slice(colon + 1)];
}

/** gated (no new intent) → inert (every credential confirmed dead) → lifted by `resume`. */
export interface Halt {
  readonly scope: HaltScope;
  /** The store's halt number when this one was raised. It only grows. */
  readonly epoch: number;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
  readonly state: 'gated' | 'inert' | 'lifted';
}

/** What others are told of a halt that was raised: enough to bring it down before they have asked what stands. */
export function noticeOf({ epoch, scope }: Pick<Halt, 'epoch' | 'scope'>): string {
  return `halt ${epoch} ${scope}`;
}

/** The halt that a notice tells of; null for any other notice. */
export function noticed(key: string): Pick<Halt, 'epoch' | 'scope'> | null {
  const [, epoch, scope] = /^halt (\d{1,15}) (\S.*)$/.exec(key) ?? [];
  return epoch === undefined || scope === undefined ? null : { epoch: Number(epoch), scope };
}

/** What a replica tells the others by when all that halts up to this number had to bring down there has landed. */
export function landedNotice(replica: string, landed: number): string {
  return `landed ${landed} ${replica}`;
}

/** Who landed, and up to which halt; null for any other notice. */
export function landedBy(
  key: string,
): { readonly replica: string; readonly landed: number } | null {
  const [, landed, replica] = /^landed (\d{1,15}) (\S+)$/.exec(key) ?? [];
  return landed === undefined || replica === undefined ? null : { replica, landed: Number(landed) };
}

/** What a decision was made on. The store refuses an intent whose stamp is no longer the present one. */
export interface Stamp {
  /** Number of the newest halt or resume, of any scope. */
  readonly halt: number;
  /** Digest of the active bundle. */
  readonly bundle: string;
}

/** Every scope whose halt stops a run: its own, and those of every run above it and of their agents. */
export function scopesOfRun(run: Pick<Run, 'id' | 'agent' | 'actsFor'>): HaltScope[] {
  const agents = actorsOf(run).map((agent) => `agent:${agent}`);
  return ['all', ...agents, `run:${run.id}`, ...run.actsFor.map((above) => `run:${above.run}`)];
}

/** Every scope whose halt stops an action of this run on this tool. `models`: those that whoever acts in it is declared to use. */
export function scopesOf(action: {
  readonly run: Parameters<typeof scopesOfRun>[0];
  readonly tool: string;
  readonly connection?: string;
  readonly models?: readonly string[];
}): HaltScope[] {
  return [
    ...scopesOfRun(action.run),
    `tool:${action.tool}`,
    ...(action.connection === undefined ? [] : [`connection:${action.connection}`]),
    ...(action.models ?? []).map((model) => `model:${model}`),
  ];
}

/** The first halt in force over any of these scopes. */
export function haltOver(halts: readonly Halt[], scopes: readonly HaltScope[]): Halt | undefined {
  return halts.find(({ scope, state }) => state !== 'lifted' && scopes.includes(scope));
}

import type { AlertTarget } from './alert.ts';
import type { AutomaticHalts } from './automatic-halt.ts';
import type { Consult } from './consult.ts';
import { digestOf } from './digest.ts';
import type { DrillPlan } from './drill.ts';
import type { Dimension, EffectClass, EffectVector, Reversibility } from './effect.ts';
import type { JsonObject } from './json.ts';
import type { ToolLineage } from './lineage.ts';
import type { LoopRules } from './loops.ts';
import type { Rung } from './mode.ts';
import type { Policies } from './policy.ts';
import type { SubjectTokenRules } from './subject-token.ts';

/** A system behind tools. `settings` belongs to its connector (host, url, …) and never holds a secret value. */
export interface Connection {
  readonly name: string;
  readonly kind: string;
  /** Unlabelled is `production`. */
  readonly environment: string;
  readonly settings: JsonObject;
  /** Name of the secret the broker uses at this connection (administration login, API token). */
  readonly secret?: string;
  /** How credentials are made for it: a file of `credentials/` (`postgres-role`, `static-secret`); none if absent. */
  readonly issuer?: string;
  /** What was seen of a system that describes itself when it was accepted; made by a plan, never written in a file. */
  readonly pins?: Pins;
}

export interface Pins {
  /** SHA-256 of what the server says to its clients before anything else; null: nothing. No agent is shown it. */
  readonly instructions: string | null;
  /** What its command starts: program, script or package, each by SHA-256. Absent where nothing is started. */
  readonly launch?: JsonObject;
}

/** Another tool of the bundle, called with values of this call: `{name}`, `{name/inner}`, `{result:/pointer}`. */
export interface Bound {
  readonly tool: string;
  readonly arguments: JsonObject;
}

/** A narrow operation. Built from its manifest by the loader, which raises what the manifest understates. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly connection: string;
  readonly inputSchema: JsonObject;
  readonly effect: EffectClass;
  readonly reversibility: Reversibility;
  /** A repeat of the same call has no second effect (naturally, or by a key the connector enforces). */
  readonly idempotent: boolean;
  /** It removes a backup, snapshot, version history, retention, audit log or before-image. */
  readonly recoveryPath: boolean;
  /** Where it acts, when that is stricter than its connection says: a table of a test database that is `production`. */
  readonly environment?: string;
  /** The most one call may do. Reserved before, compared with what is measured. */
  readonly cap: EffectVector;
  /** Bytes of result handed to the agent; what is cut is said. */
  readonly maxResultBytes: number;
  readonly timeoutMs: number;
  /**
   * Absent: a tool like any other. `resources` and `prompts` of an MCP server are one tool each, named
   * `<connection>/resources` and `<connection>/prompts`, and are not listed among the tools.
   */
  readonly offers?: 'resources' | 'prompts';
  /** It is meant to be called again and again: so many ms apart a repeat of it is no loop. Absent: it is not. */
  readonly pollingMs?: number;
  /** What a system said of it besides, as pinned: title, output schema, annotations, icons; the prompts of `prompts`. */
  readonly listing?: JsonObject;
  /** What takes back a call of this tool. */
  readonly undo?: Bound;
  /** A read whose result a human is shown before approving. */
  readonly preview?: Bound;
  /** A connection that is no production, where a call on rung `stage` is executed instead. */
  readonly staging?: string;
  /** The connector's own part: statement, request template, … with what was derived from it. */
  readonly binding: JsonObject;
  /** Why the effect is what it is, in the connector's words. */
  readonly derivation: readonly string[];
  /** Which arguments need a proof, and what its results are; absent: nobody said. */
  readonly lineage?: ToolLineage;
  /** SHA-256 over everything above: what approvals and pins are bound to. */
  readonly digest: string;
}

export interface Agent {
  readonly name: string;
  /** The human answerable. */
  readonly owner: string;
  /** The users it is trusted to name as those it acts for; nobody if absent, `*` for all. */
  readonly subjects?: readonly string[];
  /** Whose tokens prove them; nobody's if absent: then they are what the agent says. */
  readonly subjectToken?: SubjectTokenRules;
  /** The model it is declared to use, for `halt model`; what it really uses is not seen here. */
  readonly model?: string;
  /** Some verdicts about it are recorded and hold nothing down; absent: never. */
  readonly observe?: Observing;
}

/** Epoch milliseconds. */
export interface Observing {
  readonly from: number;
  readonly until: number;
}

export const MAX_OBSERVED_MS = 14 * 86_400_000;

/** A human on whose behalf agents may act: what such runs can do is what both may. */
export interface User {
  readonly name: string;
  /** Its own and those of its groups. */
  readonly tools: readonly string[];
}

export interface Grant {
  readonly agent: string;
  readonly tool: string;
  readonly rung: Rung;
}

/** A run tree; one agent in one day; everybody together in one day. Days are UTC. */
export type LimitScope = 'run' | 'agentDay' | 'day';
export type Limits = { readonly [S in LimitScope]?: { readonly [D in Dimension]?: number } };

export interface Organisation {
  readonly name: string;
  readonly domains: readonly string[];
  /** Ids of workspaces that are inside, for systems that have no domains; none if absent. */
  readonly workspaces?: readonly string[];
  /** Destinations outside that are known: addresses, accounts, channels, URLs; none if absent. */
  readonly directory?: readonly string[];
  /** Addresses that stand for others: whoever sends to one sends to all of these; none if absent. */
  readonly groups?: { readonly [address: string]: readonly string[] };
}

/** The active configuration, content-addressed in the store. Files only propose one. */
export interface Bundle {
  readonly digest: string;
  readonly format: 1;
  readonly organisation: Organisation;
  readonly connections: { readonly [name: string]: Connection };
  readonly tools: { readonly [name: string]: Tool };
  readonly agents: { readonly [name: string]: Agent };
  readonly grants: readonly Grant[];
  /** Humans on whose behalf agents act; nobody if absent. */
  readonly users?: { readonly [name: string]: User };
  readonly limits: Limits;
  /** Minutes an ask stays open before it expires. */
  readonly approvalMinutes: number;
  /** Webhooks that are told of halts; none if absent. */
  readonly alerts?: readonly AlertTarget[];
  /** When a run or an agent is halted without a human; never if absent. */
  readonly automaticHalts?: AutomaticHalts;
  /** Who outside is asked about an action before it is recorded; nobody if absent. */
  readonly consults?: readonly Consult[];
  /** What is looked for in the calls of a run tree; nothing if absent. */
  readonly loops?: LoopRules;
  /** Drills by the clock; none if absent. */
  readonly drill?: DrillPlan;
  /** Rules in Cedar; absent only in bundles of the time before there were any. */
  readonly policies?: Policies;
}

/** The models that these agents are declared to use. */
export function modelsOf({ agents }: Bundle, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => (Object.hasOwn(agents, name) ? (agents[name]?.model ?? []) : []));
}

/** The digest of what a bundle holds; its own `digest` says what it claims. */
export function bundleDigest(bundle: Omit<Bundle, 'digest'>): string {
  const contents: Omit<Bundle, 'digest'> & { digest?: string } = { ...bundle };
  delete contents.digest;
  return digestOf('bundle', contents);
}

/** Before anything is applied nothing is granted. */
export const EMPTY_BUNDLE: Bundle = {
  digest: 'none',
  format: 1,
  organisation: { name: 'unnamed', domains: [] },
  connections: {},
  tools: {},
  agents: {},
  grants: [],
  limits: {},
  approvalMinutes: 60,
};

/** Where a tool acts: as its tables say, else its connection. What is not labelled is production. */
export function environmentOf(
  tool: Pick<Tool, 'environment'> | null,
  connection: Pick<Connection, 'environment'> | null,
): Connection['environment'] {
  return tool?.environment ?? connection?.environment ?? 'production';
}

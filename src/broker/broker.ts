import type { KnownSecrets } from '../boundary/known-secrets.ts';
import type { AlertDesk } from '../domain/alert.ts';
import type { Bundle, Tool } from '../domain/bundle.ts';
import type { Connector, Inspector } from '../domain/connector.ts';
import type { ConsultDesk } from '../domain/consult.ts';
import type { CredentialDesk, Revocability } from '../domain/credential.ts';
import type { Decision } from '../domain/decision.ts';
import type { Doors } from '../domain/doors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Halt, HaltScope } from '../domain/halt.ts';
import type { JsonObject } from '../domain/json.ts';
import type { PolicyRuling } from '../domain/policy.ts';
import type { Store } from '../domain/store.ts';
import type { GrantDesk } from '../domain/user-grant.ts';
import type { ShadowReport } from '../policy/shadow.ts';
import type { Flights } from './flights.ts';
import type { Freshness } from './freshness.ts';
import type { Landing } from './landings.ts';
import type { Lineages } from './lineage.ts';
import type { LocalGate } from './local-gate.ts';
import type { Notices } from './notices.ts';
import type { OpenStreams } from './open-streams.ts';

/** Everything the broker's functions work with. Built once by system/house.ts. */
export interface Broker {
  readonly doors: Doors;
  readonly store: Store;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly inspectors: ReadonlyMap<string, Inspector>;
  readonly credentials: CredentialDesk;
  /** What users granted at upstreams. */
  readonly grants: GrantDesk;
  readonly inputs: InputCheck;
  readonly bundles: BundleSource;
  /** What the policies of the bundle say of an action. */
  readonly policies: PolicySource;
  /** Is told of decisions under a bundle with a candidate; absent: nobody compares. */
  readonly shadow?: DecisionWitness;
  /** What is in the air now, so that a halt can reach it. */
  readonly flights: Flights;
  /** How old what this replica knows of halts is, and who else serves. */
  readonly freshness: Freshness;
  /** Streams to clients that a halt must close. */
  readonly streams: OpenStreams;
  /** Halts of this machine that the store does not know yet. */
  readonly local: LocalGate;
  /** Asks models and decision points outside. */
  readonly consults: ConsultDesk;
  /** Tells webhooks; nothing waits for it. */
  readonly alerts: AlertDesk;
  /** Wakes who waits for an answer to an ask, a halt or a run's end. */
  readonly notices: Notices;
  /** What run trees have read, for proofs of where arguments come from. */
  readonly lineage: Lineages;
  /** What no target's words may bring back out of this process. */
  readonly withhold: KnownSecrets;
}

/** Says what does not fit a tool's input schema; empty when it fits. Compiled once per tool digest. */
export type InputCheck = (tool: Tool, input: JsonObject) => readonly string[];

/** Null: there is nothing to ask about. Never throws; what goes wrong is a no. */
export interface PolicySource {
  rulingFor(facts: Omit<Facts, 'policy'>): PolicyRuling | null;
  /** Prepares the policies of a bundle, so that no action under it pays for that. Never rejects. */
  ready(bundle: Bundle): Promise<void>;
}

/** What it is told changes nothing. Never throws, never waits. */
export interface DecisionWitness {
  saw(facts: Facts, decision: Decision): void;
  /** Null: it saw none under this bundle. */
  report(bundle: string): ShadowReport | null;
}

/** Bundles by digest, read from the store once. Throws SignalboxError STORE_DOWN when it cannot. */
export interface BundleSource {
  get(digest: string): Promise<Bundle>;
  /** The same without waiting; undefined when it was not read yet. */
  known(digest: string): Bundle | undefined;
  active(): Promise<Bundle>;
}

/** What a halt would reach, shown before it is confirmed. */
export interface HaltReach {
  readonly scope: HaltScope;
  /** Live runs: those that stop whole, or (`whole` false) those that may use what is halted and lose only that. */
  readonly runs: number;
  readonly subRuns: number;
  readonly whole: boolean;
  readonly flights: number;
  /** Of those, on their way to their target already: their effects may land whatever is done. */
  readonly sent: number;
  /** Asks that wait for an answer. */
  readonly asks: number;
  /** Approvals that were given and not used yet. */
  readonly approved: number;
  /** Open streams on this replica. */
  readonly streams: number;
  /** Child processes of this replica that are ended, with all calls in them. */
  readonly children: number;
  readonly leases: number;
  readonly credentials: readonly HeldCredentials[];
  readonly grants: readonly HeldGrants[];
}

/** What users granted at one connection: grants that end with the halt, and those that an agent beyond it may use. */
export interface HeldGrants {
  readonly connection: string;
  readonly ends: number;
  readonly stays: number;
}

/** Credentials at one connection that end the same way. */
export interface HeldCredentials {
  readonly connection: string;
  readonly revocability: Revocability;
  readonly count: number;
  /** When the last of them ends by itself, in ms since the epoch. */
  readonly until: number;
  /** Others that die with them, where only a whole principal can be ended. */
  readonly alsoEnds: number;
}

/** What a halt did. `inertMs` is null while something in its scope is not confirmed dead. */
export interface HaltReport {
  readonly halt: Halt;
  readonly gateMs: number;
  readonly aborted: number;
  /** Of those, on their way to their target already: their effects may still have landed. */
  readonly sent: number;
  /** Streams that were closed here. */
  readonly streams: number;
  /** What could not be ended here, in words. */
  readonly left: readonly string[];
  readonly voided: number;
  /** Grants of users that end with it are among them. */
  readonly leases: readonly LeaseEnd[];
  readonly grants: readonly HeldGrants[];
  /** The other replicas, if the store is shared. */
  readonly replicas: readonly Landing[];
  readonly inertMs: number | null;
}

/** What became of one credential. */
export interface LeaseEnd {
  readonly id: string;
  readonly handle: string;
  readonly connection: string;
  readonly revocability: Revocability;
  readonly dead: boolean;
  readonly ms: number;
  /** When it ends by itself if nothing else ends it, in ms since the epoch; null once dead. */
  readonly until: number | null;
  readonly note: string;
}

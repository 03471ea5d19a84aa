import type { Bundle, Tool } from '../domain/bundle.ts';
import type { Connector, Inspector } from '../domain/connector.ts';
import type { CredentialDesk } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Halt, HaltScope } from '../domain/halt.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Store } from '../domain/store.ts';
import type { Flights } from './flights.ts';
import type { Freshness } from './freshness.ts';
import type { Notices } from './notices.ts';

/** Everything the broker's functions work with. Built once by system.ts. */
export interface Broker {
  readonly doors: Doors;
  readonly store: Store;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly inspectors: ReadonlyMap<string, Inspector>;
  readonly credentials: CredentialDesk;
  readonly inputs: InputCheck;
  readonly bundles: BundleSource;
  /** What is in the air now, so that a halt can reach it. */
  readonly flights: Flights;
  /** How old what this replica knows of halts is, and who else serves. */
  readonly freshness: Freshness;
  /** Wakes who waits for an answer to an ask, a halt or a run's end. */
  readonly notices: Notices;
}

/** Says what does not fit a tool's input schema; empty when it fits. Compiled once per tool digest. */
export type InputCheck = (tool: Tool, input: JsonObject) => readonly string[];

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
  readonly runs: number;
  readonly flights: number;
  readonly asks: number;
  readonly leases: number;
}

/** What a halt did. `inertMs` is null while some credential is not confirmed dead. */
export interface HaltReport {
  readonly halt: Halt;
  readonly gateMs: number;
  readonly aborted: number;
  /** Of those, on their way to their target already: their effects may still have landed. */
  readonly sent: number;
  readonly voided: number;
  readonly leases: readonly {
    readonly handle: string;
    readonly dead: boolean;
    readonly ms: number;
    readonly note: string;
  }[];
  readonly inertMs: number | null;
}

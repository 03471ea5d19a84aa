import type { AlertsStanding } from '../../broker/alerts.ts';
import type { Proposed } from '../../broker/apply.ts';
import type { Broker } from '../../broker/broker.ts';
import type { PolicyHealth } from '../../broker/policy-alarms.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Solver } from '../../domain/solver.ts';
import type { Drills } from './drills.ts';

/** A human who answers here. `operator` answers and halts; `owner` also widens authority. */
export interface Operator {
  readonly name: string;
  readonly role: 'owner' | 'operator';
}

/** What the operators' listener needs of the rest of the house; given by the wiring. */
export interface AdminDeps {
  readonly broker: Broker;
  readonly operators: Operators;
  /** A new secret for an agent, shown once. */
  readonly enrol: (request: {
    readonly agent: string;
    readonly by: string;
    readonly days?: number;
  }) => Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** Write only: what is put in never comes out here. */
  readonly secrets: {
    put(name: string, value: string, by: string): Promise<{ readonly version: number }>;
    names(): Promise<readonly SecretName[]>;
  };
  /**
   * Compares a configuration text with the active bundle; changes nothing. `inspect`: servers that it may start or call
   * though they were never applied. Throws CONFIG_… and TOOL_… errors, PLAN_INSPECTS.
   */
  readonly plan: (
    text: string,
    path: string,
    inspect: readonly string[],
    /** Texts of the policy files it names. */
    files: { readonly [name: string]: string },
  ) => Promise<Plan>;
  /** Upstream OAuth: who may begin it is decided here. */
  readonly authorizations: Authorizations;
  /** The connections that a configuration text declares. Throws CONFIG_… errors. */
  readonly declared: (text: string, path: string) => { readonly [name: string]: Connection };
  /** Re-reads every chain of the ledger. `ok` says whether all of it holds. */
  readonly verify: () => Promise<{ readonly ok: boolean }>;
  /** What led to an action, approval or run, and what followed; null when the id is not known. */
  readonly why: (id: string) => Promise<{
    /** In reading order. */
    readonly lines: readonly string[];
    readonly json: JsonObject;
  } | null>;
  readonly drills: Drills;
  /** Where agents call, for what the commands hand to them. */
  readonly agentsUrl: () => string;
  /** How the policies of a bundle work on this replica. */
  readonly policies: (bundle: string) => PolicyHealth;
  /** Starts when it is first asked; whoever took it closes it. */
  readonly solver: () => Solver;
  /** How alerts to webhooks stand. */
  readonly alerts: () => AlertsStanding;
  readonly version: string;
  /** Cookies are marked Secure. */
  readonly tls: boolean;
}

/** Connections that get their tokens from an authorization server. Names and scopes come out, never a token. */
export interface Authorizations {
  /** What a human is to open; null when none is needed. Throws AUTHORIZATION_FAILED. */
  authorize(
    connection: Connection,
    redirect: string,
    by: string,
    /** Whose, where each user has an own grant. */
    user: string | null,
  ): Promise<{
    readonly url: string;
    readonly issuer: string;
    readonly resource: string;
    readonly scopes: readonly string[];
    readonly redirect: string;
    readonly expiresAt: number;
  } | null>;
  /** The query that the authorization server sent the browser back with. Throws AUTHORIZATION_FAILED. */
  complete(callback: URLSearchParams): Promise<{
    readonly connection: string;
    readonly grant: { readonly issuer: string; readonly scopes: readonly string[] };
  }>;
  /** Null for a connection without OAuth. */
  standing(connection: Connection): Promise<object | null>;
  forget(
    connection: Connection,
    by: string,
    user: string | null,
  ): Promise<{ readonly revoked: boolean }>;
}

export interface SecretName {
  readonly name: string;
  readonly version: number;
  readonly at: number;
}

/** What would change, and what of it widens authority; as `config` says it. */
export interface Plan extends Proposed {
  readonly changes: readonly JsonObject[];
  readonly warnings: readonly string[];
}

/** The part of identity that this surface uses. */
export interface Operators {
  invite(request: {
    readonly role: Operator['role'];
    readonly by: string;
  }): Promise<{ readonly token: string; readonly expiresAt: number }>;
  claim(code: string, name: string): Promise<{ readonly operator: Operator; readonly key: string }>;
  authenticate(authorization: string | undefined): Promise<Operator>;
  authenticateKey(key: string): Promise<Operator>;
  readonly sessions: {
    open(operator: { readonly name: string }): Promise<{
      readonly cookie: string;
      readonly csrf: string;
      readonly expiresAt: number;
    }>;
    authenticate(
      cookie: string | undefined,
    ): Promise<{ readonly operator: Operator; readonly csrf: string }>;
    checkCsrf(cookie: string, given: string | null | undefined): void;
    close(cookie: string): Promise<void>;
  };
}

import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { TokenRow } from '../domain/ops.ts';
import type { Store } from '../domain/store.ts';
import type { IssuedToken } from './callers.ts';
import { reached } from './present.ts';
import { hashOfToken, kindOfToken, mintToken } from './tokens.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 90;
const MAX_DAYS = 366;

/** Enrolment of agents: an operator's deed, recorded in the system chain. */
export interface Agents {
  /** A new secret for an agent, shown once. Whether the agent may do anything is the bundle's word, not its secret's. */
  enrol(request: {
    readonly agent: string;
    readonly by: string;
    readonly days?: number;
  }): Promise<IssuedToken>;
  /** Ends an agent's secret. Its runs go on; halt the agent to stop them. Throws TOKEN_INVALID. */
  revoke(token: string): Promise<void>;
}

export function createAgents({ store, doors }: { store: Store; doors: Doors }): Agents {
  const { clock, entropy } = doors;
  return {
    async enrol({ agent, by, days = DEFAULT_DAYS }) {
      if (!Number.isFinite(days) || days <= 0 || days > MAX_DAYS)
        throw new SignalboxError(
          'REQUEST_MALFORMED',
          `expected a secret to live 1 to ${MAX_DAYS} days, got \`${days}\``,
        );
      const now = clock.now();
      const token = mintToken('agent', entropy);
      const row: TokenRow = {
        hash: hashOfToken(token),
        kind: 'agent',
        subject: agent,
        expiresAt: now + days * DAY_MS,
        revoked: false,
      };
      await reached(store.commit({ kind: 'agent.enrol', agent, token: row, by, at: now }));
      return { token, expiresAt: row.expiresAt };
    },

    async revoke(token) {
      if (kindOfToken(token) !== 'agent')
        throw new SignalboxError('TOKEN_INVALID', 'expected the secret of an agent');
      await reached(
        store.commit({ kind: 'token.revoke', hash: hashOfToken(token), at: clock.now() }),
      );
    },
  };
}

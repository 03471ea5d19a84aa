import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { AUTOMATIC, LOCAL } from '../domain/halt.ts';
import type { TokenRow } from '../domain/ops.ts';
import type { Store } from '../domain/store.ts';
import type { IssuedToken } from './callers.ts';
import { present, reached } from './present.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { bearerOf, hashOfToken, kindOfToken, mintToken, type TokenKind } from './tokens.ts';

export type OperatorRole = 'owner' | 'operator';

export interface Operator {
  readonly name: string;
  readonly role: OperatorRole;
}

/** The subject of a setup code that no owner made: the store lets only the newest make an operator, and only the first. */
const FIRST_OWNER = 'first-owner';
const SETUP_CODE_MS = 10 * 60_000;
const KEY_MS = 365 * 86_400_000;
/** Who raises halts without being a human. */
const RESERVED: ReadonlySet<string> = new Set([AUTOMATIC, LOCAL]);
const NAME = /^[a-z0-9][a-z0-9._@+-]{0,79}$/;

/**
 * The operators' side of identity. The first owner comes in by the setup code that the starting process printed; there
 * is no trusted address and no default login. Later operators come in by a code that an owner made for their role.
 */
export interface Operators {
  /** The code for the first owner; null when there is an operator already. Each call makes a new one and ends the others. */
  setupCode(): Promise<string | null>;
  /** A single-use code for another operator, of ten minutes. The caller has checked that an owner asks. */
  invite(request: { readonly role: OperatorRole; readonly by: string }): Promise<IssuedToken>;
  /** Uses a code up and answers with the new operator's key, shown once. Throws SETUP_CODE, REQUEST_MALFORMED. */
  claim(code: string, name: string): Promise<{ operator: Operator; key: string }>;
  /** Proves an operator by key. Throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_AUDIENCE, OPERATOR_UNKNOWN. */
  authenticate(authorization: string | undefined): Promise<Operator>;
  /** The same for a key typed into a page or a prompt. */
  authenticateKey(key: string): Promise<Operator>;
  readonly sessions: Sessions;
}

export function createOperators(parts: { store: Store; doors: Doors }): Operators {
  const { store, doors } = parts;
  const { clock, entropy } = doors;

  async function code(subject: OperatorRole | typeof FIRST_OWNER): Promise<IssuedToken> {
    const now = clock.now();
    const token = mintToken('setup', entropy);
    const row = rowOf(token, 'setup', subject, now + SETUP_CODE_MS);
    await reached(store.commit({ kind: 'token.issue', token: row, at: now }));
    return { token, expiresAt: row.expiresAt };
  }

  async function operatorNamed(name: string): Promise<Operator> {
    const operator = await reached(store.operator(name));
    if (operator === null)
      throw new SignalboxError('OPERATOR_UNKNOWN', 'this operator is not known any more');
    return operator;
  }

  async function authenticateKey(key: string): Promise<Operator> {
    const row = await present(store, clock, key.trim(), ['operator']);
    if (row.revoked) throw new SignalboxError('TOKEN_INVALID', 'the key was revoked');
    return operatorNamed(row.subject);
  }

  return {
    async setupCode() {
      if ((await reached(store.operatorCount())) > 0) return null;
      return (await code(FIRST_OWNER)).token;
    },
    async invite({ role, by }) {
      const issued = await code(role);
      const body = { role, by };
      await reached(
        store.commit({ kind: 'system.note', type: 'operator.invited', body, at: clock.now() }),
      );
      return issued;
    },
    claim: (given, name) => claim(parts, given.trim(), name),
    authenticate: async (authorization) => authenticateKey(bearerOf(authorization)),
    authenticateKey,
    sessions: createSessions({ store, doors, operatorNamed }),
  };
}

async function claim(
  { store, doors: { clock, entropy } }: { store: Store; doors: Doors },
  code: string,
  name: string,
): Promise<{ operator: Operator; key: string }> {
  if (!NAME.test(name) || RESERVED.has(name))
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      'expected an operator name of 1 to 80 lower-case letters, digits and `._@+-`, not one of ours',
    );
  const now = clock.now();
  const setupHash = hashOfToken(code);
  const row = kindOfToken(code) === 'setup' ? await reached(store.token(setupHash)) : null;
  if (row === null || row.kind !== 'setup' || row.revoked || now >= row.expiresAt)
    throw new SignalboxError('SETUP_CODE', 'the setup code is unknown, used or too old');
  const role: OperatorRole = row.subject === 'operator' ? 'operator' : 'owner';
  const key = mintToken('operator', entropy);
  const token = rowOf(key, 'operator', name, now + KEY_MS);
  const added = await reached(
    store.commit({ kind: 'operator.add', operator: name, role, token, setupHash, at: now }),
  );
  if (added.ok) return { operator: { name, role }, key };
  if (added.because === 'used')
    throw new SignalboxError('SETUP_CODE', 'the setup code is unknown, used or too old');
  throw new SignalboxError('REQUEST_MALFORMED', `there is an operator \`${name}\` already`, {
    help: 'choose another name; the code is still good',
  });
}

function rowOf(token: string, kind: TokenKind, subject: string, expiresAt: number): TokenRow {
  return { hash: hashOfToken(token), kind, subject, expiresAt, revoked: false };
}

/**
 * The halt: an approved write is already executing at the database, held up by a lock of somebody else,
 * and somebody outside holds a password of the agent's minted role.
 */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { HaltReport } from '../../src/broker/broker.ts';
import type { Stage } from './governed.ts';
import { CUSTOMER, type Reply } from './script.ts';
import { duration } from './story.ts';
import type { Agent } from './talk.ts';
import { difference, type Target, until } from './target.ts';

const READ = `SELECT id FROM customers WHERE id = ${CUSTOMER}`;

export async function haltMidCall(stage: Stage): Promise<void> {
  const { story, operator, agent, target } = stage;
  const pending = agent.ask('credit');
  const ask = await operator.nextAsk(pending);
  const letGo = await target.holdRow(CUSTOMER);
  try {
    await operator.approve(ask);
    const { role } = await until('the approved write to reach the database', async () =>
      (await target.sessions()).find(({ waitsForLock }) => waitsForLock),
    );
    const leaked = await leak(target, role);
    await stopTheWrite(stage, pending, letGo);
    await tryTheLeak(stage, leaked);
  } finally {
    await letGo().catch(() => {});
  }
  await story.step('next call', 'refused', async () => {
    const { refused, text } = await agent.ask('customer');
    return {
      got: refused ? 'refused' : `answered: ${text}`,
      notes: [`told: ${/"message":"([^"]*)"/.exec(text)?.[1] ?? text.slice(0, 80)}`],
    };
  });
}

interface Leaked {
  readonly role: string;
  readonly password: string;
  /** A session that somebody outside opened with it. */
  readonly thief: pg.Client;
  /** It really was a way in. */
  readonly worked: boolean;
}

/**
 * A hook that leaks the real password would be a hole, so the superuser gives the minted role one that we know: to the
 * database that is the leaked credential of this very role.
 */
async function leak(target: Target, role: string): Promise<Leaked> {
  const password = randomBytes(18).toString('base64url');
  await target.setPassword(role, password);
  const thief = await target.login(role, password);
  return { role, password, thief, worked: (await thief.query(READ)).rowCount === 1 };
}

async function stopTheWrite(
  { story, operator, target }: Stage,
  pending: Promise<Reply>,
  letGo: () => Promise<void>,
): Promise<void> {
  const before = await target.rows();
  const expected = 'write stopped in flight, 0 rows changed, 0 sessions left, inert';
  await story.step('halt mid-call', expected, async () => {
    const pulled = performance.now();
    const ended = pending.then(({ refused }) => ({ refused, ms: performance.now() - pulled }));
    const report = await operator.halt('agent:support', 'the story halts it in mid-call');
    const call = await ended;
    // Whatever still waited for the row would have it now.
    await letGo();
    const { changed, gone } = difference(before, await target.rows());
    const left = (await target.sessions()).length;
    const end = call.refused ? 'stopped in flight' : 'went through';
    const state = report.inertMs === null ? 'not inert' : 'inert';
    return {
      got: `write ${end}, ${changed.length + gone} rows changed, ${left} sessions left, ${state}`,
      ms: call.ms,
      notes: [
        `it waited for a row lock · gate ${duration(report.gateMs)} · call over ${duration(call.ms)} · ${loginDead(report)}`,
        'the volume token has no per-run form to revoke: dropped here, and the agent never had it',
      ],
    };
  });
}

function loginDead({ leases }: HaltReport): string {
  const dead = leases.filter((lease) => lease.dead).map(({ ms }) => ms);
  return `login dead ${dead.length === 0 ? 'never' : duration(Math.max(...dead))}`;
}

async function tryTheLeak({ story, target }: Stage, leaked: Leaked): Promise<void> {
  const { role, password, thief, worked } = leaked;
  const expected = 'worked before the halt; now: open session ended, new login refused';
  await story.step('leaked login', expected, async () => {
    const open = await thief.query(READ).then(
      () => 'still reads',
      () => 'ended',
    );
    const again = await target.login(role, password).then(
      async (session) => {
        await session.end();
        return 'accepted';
      },
      ({ code }: { code?: string }) => (isRefusedLogin(code) ? 'refused' : `failed with ${code}`),
    );
    await thief.end().catch(() => {});
    const first = worked ? 'worked before the halt' : 'never worked';
    const rest = (await target.roleExists(role)) ? 'cannot log in' : 'is dropped';
    return {
      got: `${first}; now: open session ${open}, new login ${again}`,
      notes: [
        `the superuser had given the role a password, to stand for the leak; the role ${rest} now`,
      ],
    };
  });
}

/** 28000: this role may not log in; 28P01: no such role or password. */
function isRefusedLogin(code: string | undefined): boolean {
  return code === '28000' || code === '28P01';
}

/** A halt reaches what it names and nothing else: the finance agent works on, with a credential of its own. */
export async function othersGoOn({ story, target }: Stage, finance: Agent): Promise<void> {
  const expected = 'the finance agent reads the same sums that the database holds';
  await story.step('others', expected, async () => {
    const { text, refused } = await finance.ask('revenue');
    const sums = await target.revenue();
    const same = sums.every((cents) => text.includes(cents));
    return { got: !refused && same ? expected : text };
  });
}

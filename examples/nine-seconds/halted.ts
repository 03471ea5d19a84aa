/**
 * The halt: an approved write is already executing at the database, held up by a lock of somebody else,
 * and somebody outside holds a password of the agent's minted role.
 */
import { randomBytes } from 'node:crypto';
import type { Stage } from './governed.ts';
import { CUSTOMER } from './script.ts';
import { duration } from './story.ts';
import type { Agent } from './talk.ts';
import { difference, until } from './target.ts';

const READ = `SELECT id FROM customers WHERE id = ${CUSTOMER}`;

export async function haltMidCall({ story, operator, agent, target }: Stage): Promise<void> {
  const before = await target.rows();
  const pending = agent.ask('credit');
  const ask = await operator.nextAsk(pending);
  const letGo = await target.holdRow(CUSTOMER);
  try {
    await operator.approve(ask);
    const { role } = await until('the approved write to reach the database', async () =>
      (await target.sessions()).find(({ waitsForLock }) => waitsForLock),
    );
    // A leak hook would be a hole, so the superuser gives the minted role a password that we know: to the
    // database that is the leaked credential of this very role.
    const password = randomBytes(18).toString('base64url');
    await target.setPassword(role, password);
    const thief = await target.login(role, password);
    const works = (await thief.query(READ)).rowCount === 1;

    await story.step(
      'halt mid-call',
      'write stopped in flight, 0 rows changed, 0 sessions left, inert',
      async () => {
        const pulled = performance.now();
        const ended = pending.then(({ refused }) => ({ refused, ms: performance.now() - pulled }));
        const report = await operator.halt('agent:support', 'the story halts it in mid-call');
        const call = await ended;
        await letGo();
        const { changed, gone } = difference(before, await target.rows());
        const left = (await target.sessions()).length;
        return {
          got:
            `write ${call.refused ? 'stopped in flight' : 'went through'}, ${changed.length + gone} rows changed, ` +
            `${left} sessions left, ${report.inertMs === null ? 'not inert' : 'inert'}`,
          ms: call.ms,
          notes: [
            `it waited for a row lock · gate ${duration(report.gateMs)} · call over ${duration(call.ms)} · ` +
              `credential dead ${report.inertMs === null ? '?' : duration(report.inertMs)}`,
          ],
        };
      },
    );

    await story.step(
      'leaked login',
      'worked before the halt; now: open session ended, new login refused',
      async () => {
        const open = await thief.query(READ).then(
          () => 'open session still reads',
          () => 'open session ended',
        );
        const again = await target.login(role, password).then(
          async (session) => {
            await session.end();
            return 'new login accepted';
          },
          (error: { code?: string }) =>
            isRefusedLogin(error.code) ? 'new login refused' : `new login: ${error.code}`,
        );
        await thief.end().catch(() => {});
        const first = works ? 'worked before the halt' : 'never worked';
        return {
          got: `${first}; now: ${open}, ${again}`,
          notes: [
            `the superuser gave the run's role a password to stand for the leak; the role is now ` +
              ((await target.roleExists(role)) ? 'without login' : 'dropped'),
          ],
        };
      },
    );
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

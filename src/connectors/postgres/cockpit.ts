import type { Call } from '../../domain/connector.ts';
import type { Timers } from '../../domain/doors.ts';
import type { PostgresAdmin } from './admin.ts';
import type { PostgresBinding } from './binding.ts';
import type { Deadline } from './deadline.ts';
import type { Answer, Step } from './exchange.ts';
import { faultBefore } from './faults.ts';
import type { Session } from './session.ts';
import type { LeaseSessions, SessionKind } from './sessions.ts';

/** What one call works with. */
export interface Cockpit {
  readonly call: Call;
  readonly binding: PostgresBinding;
  readonly sessions: LeaseSessions;
  readonly deadline: Deadline;
  readonly admin: PostgresAdmin;
  readonly timers: Timers;
  /** The login of the lease, to end its backend and no other. */
  readonly user: string;
}

/** Gives a session up at once and ends its backend through the broker: a lost socket alone is noticed late. */
export function cut(cockpit: Cockpit, session: Session): void {
  cockpit.sessions.drop(session);
  const { admin, call, user } = cockpit;
  admin
    .with(call.connection, (client) =>
      client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND usename = $2',
        [session.pid, user],
      ),
    )
    // The transaction can no longer commit either way, and revocation ends the backend again.
    .catch(() => {});
}

/** One exchange under the call's deadline. Throws ConnectorFailure with `effect: 'none'`. */
export async function exchange(
  cockpit: Cockpit,
  session: Session,
  steps: readonly Step[],
): Promise<Answer[]> {
  try {
    return await cockpit.deadline.race(session.exchange(steps), () => cut(cockpit, session));
  } catch (error) {
    if (!session.alive) cockpit.sessions.drop(session);
    throw faultBefore(error, session.reused);
  }
}

/** A session of this kind, under the call's deadline. */
export async function takeSession(cockpit: Cockpit, kind: SessionKind): Promise<Session> {
  const { sessions, deadline } = cockpit;
  const taking = sessions.take(kind, deadline.signal);
  try {
    // When the deadline wins, the session goes back as soon as it is there.
    return await deadline.race(taking, () =>
      taking.then((late) => sessions.give(late)).catch(() => {}),
    );
  } catch (error) {
    throw faultBefore(error);
  }
}

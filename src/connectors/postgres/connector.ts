import {
  type Call,
  type Connector,
  ConnectorFailure,
  type Flight,
  type ProbeAnswer,
  type ProbeQuery,
} from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { PostgresAdmin } from './admin.ts';
import { bindingOf } from './binding.ts';
import type { Cockpit } from './cockpit.ts';
import { Deadline } from './deadline.ts';
import { SessionLost } from './faults.ts';
import { targetOf } from './login.ts';
import { beginQuery } from './query.ts';
import { beginRead } from './read.ts';
import { LeaseSessions } from './sessions.ts';
import { fateOf } from './trace.ts';
import { beginWrite } from './write.ts';

/** How long the end of a run waits for commits under way, so that their outcome is known. */
const COMMITS_MS = 1_000;

/** Executes planned statements as the run's minted login. `admin` only probes outcomes and ends backends. */
export function createPostgresConnector(doors: Doors, admin: PostgresAdmin): Connector {
  const leases = new Map<string, LeaseSessions>();

  function sessionsOf(call: Call): { sessions: LeaseSessions; user: string } {
    const { credential, runId, connection } = call;
    if (credential?.kind !== 'login')
      throw new ConnectorFailure('CREDENTIAL_FAILED', 'there is no login for this call', 'none');
    const { leaseId, user, password } = credential;
    const known = leases.get(leaseId);
    if (known !== undefined) return { sessions: known, user };
    const login = { runId, user, password };
    const sessions = new LeaseSessions(targetOf(connection), login, doors.timers);
    leases.set(leaseId, sessions);
    return { sessions, user };
  }

  async function endAll(ended: readonly [string, LeaseSessions][]): Promise<void> {
    for (const [leaseId] of ended) leases.delete(leaseId);
    await Promise.all(
      ended.map(async ([, sessions]) => {
        await sessions.settled(COMMITS_MS);
        sessions.close();
      }),
    );
  }

  return {
    kind: 'postgres',
    async begin(call): Promise<Flight> {
      const deadline = new Deadline(call.signal, call.tool.timeoutMs, doors.timers);
      try {
        const binding = plannedBinding(call);
        const { sessions, user } = sessionsOf(call);
        const cockpit: Cockpit = {
          call,
          binding,
          sessions,
          deadline,
          admin,
          user,
          timers: doors.timers,
        };
        const flight = await begun(cockpit);
        if (!binding.writes) deadline.clear();
        return flight;
      } catch (error) {
        deadline.clear();
        throw error;
      }
    },

    async probe({ connection, trace }: ProbeQuery): Promise<ProbeAnswer> {
      // Without a trace COMMIT was never sent.
      return trace === null ? 'failed' : await fateOf(admin, connection, trace);
    },

    async release(runId): Promise<void> {
      await endAll([...leases].filter(([, sessions]) => sessions.runId === runId));
    },

    async close(): Promise<void> {
      await endAll([...leases]);
    },
  };
}

/** Trying it out would do it: what acts outside the transaction is not undone by its rollback. */
const NOT_TRIED: Flight = {
  measured: null,
  trace: null,
  async finish(): Promise<never> {
    throw new ConnectorFailure('CONNECTOR_REFUSED', 'a preview has nothing to finish', 'none');
  },
  async cancel(): Promise<void> {},
};

/** A session that idled may be dead without our knowing; nothing was committed, so a fresh one may try. */
async function begun(cockpit: Cockpit): Promise<Flight> {
  if (cockpit.binding.outside && cockpit.call.purpose === 'preview') {
    cockpit.deadline.clear();
    return NOT_TRIED;
  }
  const { writes, query } = cockpit.binding;
  const begin = (at: Cockpit): Promise<Flight> =>
    query !== undefined ? beginQuery(at, query) : writes ? beginWrite(at) : beginRead(at);
  try {
    return await begin(cockpit);
  } catch (error) {
    if (!(error instanceof SessionLost && error.stale) || cockpit.deadline.signal.aborted)
      throw error;
    return await begin(cockpit);
  }
}

function plannedBinding(call: Call): ReturnType<typeof bindingOf> {
  try {
    return bindingOf(call.tool);
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error;
    throw new ConnectorFailure(error.code, error.message, 'none');
  }
}

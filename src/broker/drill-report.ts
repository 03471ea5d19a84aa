import type { DrilledCredential, DrillProbe, DrillReport } from '../domain/drill.ts';
import type { HaltReport } from './broker.ts';
import type { Sight } from './drill-stage.ts';

/** What one drill has found so far. */
export interface Found {
  readonly id: string;
  readonly agent: string;
  readonly scope: string;
  readonly by: string;
  /** When the halt was ordered, ms since the epoch. */
  at: number;
  halt: HaltReport | null;
  /** When everything in scope was confirmed over; null when it was not in time. */
  inertMs: number | null;
  /** When the canary's last call was answered with a result. */
  lastDoneAt: number;
  probes: readonly DrillProbe[];
  controls: readonly DrillProbe[];
  untried: readonly string[];
  /** The target's account before the halt, after it, and a moment later. */
  sights: readonly [Sight, Sight, Sight] | null;
  readonly problems: string[];
}

export function nothingFound(order: Pick<Found, 'id' | 'agent' | 'scope' | 'by' | 'at'>): Found {
  return {
    ...order,
    halt: null,
    inertMs: null,
    lastDoneAt: 0,
    probes: [],
    controls: [],
    untried: [],
    sights: null,
    problems: [],
  };
}

interface About {
  readonly kind: DrillReport['kind'];
  readonly software: string;
  readonly bundle: string;
}

/** The report, and whether the drill passed: everything timed, everything refused, nothing after it, nobody else touched. */
export function reportOf(found: Found, { kind, software, bundle }: About): DrillReport {
  const { id, agent, scope, by, at, halt, probes, controls, untried } = found;
  const credentials = halt === null ? [] : halt.leases.map(credentialOf);
  const parts = partsOf(found, credentials, kind);
  const problems = [...found.problems, ...faultsIn(found, parts, kind)];
  const known = Object.values(parts).filter((ms) => ms !== null);
  const isTimed = parts.gateMs !== null && parts.inflightMs !== null && parts.issuerMs !== null;
  return {
    version: 1,
    id,
    at,
    by,
    agent,
    kind,
    scope,
    epoch: halt?.halt.epoch ?? 0,
    software,
    bundle,
    replicas: 1 + (halt?.replicas.length ?? 0),
    flights: { aborted: halt?.aborted ?? 0, sent: halt?.sent ?? 0 },
    parts,
    timeToInertMs: isTimed ? Math.max(...known) : null,
    credentials,
    probes,
    controls,
    ok: problems.length === 0,
    problems,
    untried,
  };
}

function partsOf(
  { halt, inertMs, at, lastDoneAt, sights }: Found,
  credentials: readonly DrilledCredential[],
  kind: DrillReport['kind'],
): DrillReport['parts'] {
  if (halt === null) return { gateMs: null, inflightMs: null, issuerMs: null, effectMs: null };
  const landings = halt.replicas.map(({ landedMs }) => landedMs);
  const isAcknowledged = landings.every((ms) => ms !== null);
  const acknowledged = Math.max(0, ...landings.filter((ms) => ms !== null));
  const dying = credentials.filter(({ verdict }) => verdict !== 'not-revocable');
  const areDead = dying.every(({ verdict }) => verdict === 'dead');
  const effectAt = sights === null ? null : sights[2].last - sights[2].aheadMs;
  return {
    gateMs: isAcknowledged ? whole(Math.max(halt.gateMs, acknowledged)) : null,
    inflightMs: inertMs === null ? null : whole(Math.max(lastDoneAt - at, acknowledged)),
    issuerMs:
      inertMs !== null && areDead ? whole(dying.length === 0 ? halt.gateMs : inertMs) : null,
    effectMs: kind === 'named' || effectAt === null ? null : whole(effectAt - at),
  };
}

function faultsIn(
  { halt, inertMs, probes, controls, sights }: Found,
  parts: DrillReport['parts'],
  kind: DrillReport['kind'],
): string[] {
  if (halt === null) return ['the halt was never pulled'];
  const missing = (['gateMs', 'inflightMs', 'issuerMs'] as const).filter(
    (part) => parts[part] === null,
  );
  const [, first, second] = sights ?? [];
  return [
    ...(inertMs === null ? ['it was not confirmed inert in time'] : []),
    ...missing.map((part) => `\`${part}\` is not known`),
    ...probes.filter(({ held }) => !held).map(({ name, got }) => `${name}: not refused (${got})`),
    ...controls
      .filter(({ held }) => !held)
      .map(({ name, got }) => `${name}: did not work (${got})`),
    ...(kind === 'canary' && sights === null ? ['the target said nothing of what it saw'] : []),
    ...(first !== undefined && second !== undefined && first.last !== second.last
      ? ['the target saw an effect after everything was said to be over']
      : []),
  ];
}

function credentialOf(lease: HaltReport['leases'][number]): DrilledCredential {
  const { handle, connection, dead, revocability, until, ms } = lease;
  const verdict = dead ? 'dead' : revocability === 'none' ? 'not-revocable' : 'bounded';
  return {
    handle,
    connection,
    verdict,
    until: verdict === 'bounded' ? until : null,
    ms: whole(ms),
  };
}

/** Clocks of two machines may differ by a little: nothing happens before it was ordered. */
function whole(ms: number): number {
  return Math.max(0, Math.round(ms));
}

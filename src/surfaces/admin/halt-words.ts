import type {
  HaltReach,
  HaltReport,
  HeldCredentials,
  HeldGrants,
  LeaseEnd,
} from '../../broker/broker.ts';
import type { AliveCredential, StandingHalt } from '../../broker/standing.ts';

type Ended = Pick<HaltReport, 'inertMs'> & {
  readonly leases: readonly { readonly dead: boolean }[];
};

/** What became of one credential: `dead`, or what is known of a life that nobody could end from here. */
export function endOf(
  { inertMs }: Ended,
  { dead, revocability, until }: Pick<LeaseEnd, 'dead' | 'revocability' | 'until'>,
): string {
  if (dead) return 'dead';
  if (revocability === 'none')
    return 'not revocable by us: dropped here, still valid at its source; rotate it';
  if (inertMs !== null) return 'dropped here';
  const bound = until === null ? '' : `; ends by itself at ${clockTime(until)} at the latest`;
  return `not confirmed dead, still trying${revocability === 'bounded' ? bound : ''}`;
}

/** What the time until `inert` is the time of. */
export function inertLabel(report: Ended): string {
  const alive = report.inertMs !== null && report.leases.some(({ dead }) => !dead);
  return alive
    ? 'minted credentials dead, fixed secrets dropped after'
    : 'every credential confirmed dead after';
}

/** How the halt went on every other replica, one line each. */
export function elsewhere({ replicas }: Pick<HaltReport, 'replicas'>): readonly string[] {
  return replicas.map(({ replica, landedMs, silentMs }) => {
    if (landedMs !== null) return `${replica}: landed after ${Math.round(landedMs)} ms`;
    if (silentMs === null) return `${replica}: not landed yet`;
    return `${replica}: silent for ${Math.round(silentMs)} ms, so it has stopped itself`;
  });
}

/** What keeps a halt from being inert, one line each. */
export function stillAlive({ recorded, flights, credentials }: StandingHalt): readonly string[] {
  return [
    ...(recorded ? [] : ['of this machine; not recorded yet, the store is away']),
    ...(flights === 0 ? [] : [`${many(flights, 'call')} not landed yet`]),
    ...credentials.map(aliveWords),
  ];
}

function aliveWords({
  handle,
  connection,
  revocability,
  until,
  ...tried
}: AliveCredential): string {
  const what = `${handle} at ${connection}`;
  if (revocability === 'none') return `${what}: not revocable by us; rotate its secret`;
  const bound =
    revocability === 'bounded' && until !== null
      ? `, ends by itself at ${clockTime(until)} at the latest`
      : '';
  if (tried.tryingSince === null) return `${what}: not confirmed dead yet${bound}`;
  const tries = many(tried.tries, 'try', 'tries');
  return `${what}: still trying since ${clockTime(tried.tryingSince)} (${tries}: ${tried.why})${bound}`;
}

/** What a halt would reach, one line for each thing there is. */
export function reachWords(reach: HaltReach): readonly string[] {
  const { runs, subRuns, whole, flights, sent, asks, approved, streams, children } = reach;
  const some = (number: number, words: string): string[] => (number === 0 ? [] : [words]);
  return [
    `${many(runs, 'live run')}${whole ? '' : ' may use it and lose only that'}${subRuns === 0 ? '' : `, ${many(subRuns, 'sub-run')} among them`}`,
    `${many(flights, 'action')} in flight, aborted${sent === 0 ? '' : `; ${sent} sent already: what they do may land`}`,
    `${many(asks, 'waiting approval')}, made void`,
    ...some(approved, `${many(approved, 'approval')} given and not used yet, made void`),
    ...some(streams, `${many(streams, 'open stream')} closed`),
    ...some(
      children,
      `${many(children, 'child process', 'child processes')} killed, with every call in them`,
    ),
    ...(reach.credentials.length === 0 ? ['0 live credentials'] : []),
    ...reach.credentials.map(credentialWords),
    ...reach.grants.flatMap(grantWords),
  ];
}

/** What becomes of what users granted at one connection, one line each. */
export function grantWords({ connection, ends, stays }: HeldGrants): readonly string[] {
  const some = (number: number, words: string): string[] =>
    number === 0
      ? []
      : [`${many(number, 'grant of a user', 'grants of users')} at ${connection} ${words}`];
  return [
    ...some(ends, 'ended there; after the halt each user authorizes anew'),
    ...some(stays, 'kept: an agent beyond the halt may use them'),
  ];
}

function credentialWords(held: HeldCredentials): string {
  const what = `${many(held.count, 'live credential')} at ${held.connection}`;
  switch (held.revocability) {
    case 'instant':
      return `${what}: ended at the source at once`;
    case 'bounded':
      return `${what}: revoked at the issuer; what is cached elsewhere ends by ${clockTime(held.until)}`;
    case 'principal-wide':
      return `${what}: only with the whole principal; ${many(held.alsoEnds, 'other credential')} there end with it`;
    case 'none':
      return `${what}: not revocable by us, dropped here only; rotate the secret`;
  }
}

function many(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}

function clockTime(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

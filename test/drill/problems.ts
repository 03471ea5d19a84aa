import type { Report } from './campaign.ts';

/** The claims: how fast, and nothing after it. */
const P50_MS = 100;
const MAX_MS = 1_500;
/** A replica that is cut off stops by itself within the freshness bound; what it had in the air comes down after that. */
const ADVERSE_EFFECT_MS = 2_000;

/** What of the claims does not hold, in words; empty when all do. */
export function problemsOf(report: Report): string[] {
  const { timeToInertMs } = report;
  return [
    ...flawsIn(report),
    ...(timeToInertMs.p50 > P50_MS
      ? [`inert after ${timeToInertMs.p50} ms in the middle, expected at most ${P50_MS}`]
      : []),
    ...(timeToInertMs.max > MAX_MS
      ? [`inert after ${timeToInertMs.max} ms at worst, expected at most ${MAX_MS}`]
      : []),
  ];
}

/** What did not hold, whatever time it took. */
export function flawsIn(report: Report): string[] {
  const bad = Object.entries(report.adversities).flatMap(([name, tally]) => [
    ...flawsOf(tally).map((flaw) => `${name}: ${flaw}`),
    ...(tally.parts.effect.max > ADVERSE_EFFECT_MS
      ? [`${name}: the last effect came after ${tally.parts.effect.max} ms`]
      : []),
  ]);
  const { broker, leakedRoles, leases } = report;
  return [
    ...flawsOf(report),
    ...bad,
    ...(broker.superuser ? ['the broker is a superuser at the target: that proves nothing'] : []),
    ...(leases === 0 ? ['no credential was ever minted, so none was revoked'] : []),
    ...(leakedRoles > 0 ? [`${leakedRoles} minted logins were left at the target`] : []),
  ];
}

function flawsOf(
  tally: Pick<Report, 'effectsAfter' | 'probes' | 'othersUnaffected' | 'problems'>,
): string[] {
  return [
    ...tally.problems,
    ...tally.probes.filter(({ refused }) => !refused).map(({ name, got }) => `${name}: ${got}`),
    ...(tally.effectsAfter > 0 ? [`${tally.effectsAfter} effects after everything was over`] : []),
    ...(tally.othersUnaffected ? [] : ['somebody else noticed']),
  ];
}

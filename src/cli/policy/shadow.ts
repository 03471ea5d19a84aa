import type { ShadowReport } from '../../policy/shadow.ts';
import type { Command } from '../command.ts';
import { count, moment } from '../render.ts';
import { diffLines } from '../replay-lines.ts';

export const policyShadow: Command = {
  name: 'policy shadow',
  summary:
    'what the candidate beside the active policies would have decided otherwise, as far as this replica saw',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ api }) => {
    const shadow = await api.get('/api/policies/shadow');
    const report = shadow.report as unknown as ShadowReport | null;
    return { json: shadow, text: linesOf(Array.isArray(shadow.candidate), report).join('\n') };
  },
};

function linesOf(hasCandidate: boolean, report: ShadowReport | null): readonly string[] {
  if (!hasCandidate)
    return ['there is no candidate: `policies.candidate` in `signalbox.yaml` names one'];
  if (report === null) return ['no decision was made here since this candidate was applied'];
  const { decisions, changed, looser, stricter, dropped, since } = report;
  return [
    `${count(decisions, 'decision')} since ${moment(since)}: ${changed} would be otherwise (${looser} looser, ${stricter} stricter)`,
    ...diffLines(report),
    ...(dropped > 0 ? [`not looked at, since they came too fast: ${dropped}`] : []),
  ];
}

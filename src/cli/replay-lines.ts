import type { DiffReport } from '../policy/decision-diff.ts';
import type { ReplayReport } from '../policy/replay.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import { count, moment } from './render.ts';

export type ReplayView = ReplayReport & { readonly unreadable: number; readonly more: boolean };

/** A replay for a terminal. */
export function replayLines(view: ReplayView): string[] {
  const { decisions, changed, looser, stricter } = view;
  if (decisions === 0) return ['no recorded decision of these tools to compare with'];
  return [
    `${count(decisions, 'recorded decision')}: ${changed} would be otherwise (${looser} looser, ${stricter} stricter)`,
    ...diffLines(view),
    ...caveats(view),
  ];
}

/** What differs: how, at which tools, and examples. */
export function diffLines({ transitions, tools, examples }: DiffReport): string[] {
  return [
    ...Object.entries(transitions).map(([change, number]) => `  ${change}: ${number}`),
    ...(tools.length === 0 ? [] : ['by tool:']),
    ...tools.map(
      ({ tool, changed: all, looser: loose }) =>
        `  ${plain(tool)}: ${all}, ${loose} of them looser`,
    ),
    ...(examples.length === 0 ? [] : ['for example:']),
    ...examples.map(
      ({ action, run, agent, tool, at, before, after, why }) =>
        `  ${action ?? run} ${moment(at)} ${plain(agent)} ${plain(tool)}: ${before} → ${after}  ${plain(why)}`,
    ),
  ];
}

function caveats(view: ReplayView): string[] {
  const { more, unreadable, gone, checked, disagreed, otherwiseThen, alarms } = view;
  return [
    ...(more ? ['there is more in the ledger than was read (`--most`)'] : []),
    ...(unreadable > 0 ? [`not read: ${unreadable}, erased or of another kind`] : []),
    ...(gone > 0 ? [`left out: ${gone}, of tools that one of the two does not have`] : []),
    ...(otherwiseThen > 0
      ? [`decided otherwise then, by other facts or another bundle: ${otherwiseThen}`]
      : []),
    `asked of the reference engine too: ${checked}, seen otherwise: ${disagreed}`,
    ...alarms.map(
      ({ tool, why }) => `worth a look: ${tool === null ? '' : `${plain(tool)}: `}${plain(why)}`,
    ),
  ];
}

import type { UndoReport, UndoStep } from '../domain/undo.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { Command } from './command.ts';
import type { Style } from './render.ts';

export const undo: Command = {
  name: 'undo',
  summary:
    'take back what an action, or a whole run, did: by the undo that its tools declare, the last action first',
  usage: 'ID',
  positionals: [1, 1],
  options: {
    as: {
      type: 'string',
      value: 'AGENT',
      summary: 'the agent under whose grants it is taken back; the one that acted when left out',
    },
  },
  run: async ({ api, options, positionals: [id = ''], style }) => {
    const as = typeof options.as === 'string' ? { as: options.as } : {};
    const { report } = await api.post('/api/undo', { id, ...as });
    const found = report as unknown as UndoReport;
    return {
      json: { report: report ?? null },
      text: textOf(found, style),
      exit: found.whole ? 0 : 1,
    };
  },
};

function textOf({ steps, whole }: UndoReport, style: Style): string {
  if (steps.length === 0) return 'nothing was changed, so there is nothing to take back';
  const asked = steps.some(({ state }) => state === 'asked');
  return [
    ...steps.map((step) => lineOf(step, style)),
    whole
      ? 'everything is taken back'
      : asked
        ? 'approve what waits, then say the same again'
        : 'not everything is taken back: see above',
  ].join('\n');
}

function lineOf({ action, tool, state, why, run, approval }: UndoStep, style: Style): string {
  const good = state === 'undone' || state === 'already';
  const words = [
    why === null ? null : plain(why),
    approval === null ? null : `signalbox approve ${approval}`,
    run === null ? null : `run ${run}`,
  ].filter((each) => each !== null);
  const shown = good ? style.good(state) : style.bad(state);
  return `${plain(action)}  ${plain(tool)}  ${shown}${words.length === 0 ? '' : `  ${words.join('; ')}`}`;
}

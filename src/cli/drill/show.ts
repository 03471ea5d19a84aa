import type { DrillReport } from '../../domain/drill.ts';
import type { Command } from '../command.ts';
import { reportText } from './drill.ts';

export const drillShow: Command = {
  name: 'drill show',
  summary: 'show the report of a drill; with `--json` the file that `drill verify` takes',
  usage: 'ID',
  positionals: [1, 1],
  options: {},
  run: async ({ api, positionals: [id = ''], style }) => {
    const file = await api.get(`/api/drills/${encodeURIComponent(id)}`);
    const report = JSON.parse(String(file.report)) as DrillReport;
    return { json: file, text: reportText(report, style) };
  },
};

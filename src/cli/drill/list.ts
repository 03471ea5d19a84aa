import type { DrillHealth } from '../../domain/drill.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { duration, relative, type Style, table } from '../render.ts';

const BAR = 24;

export const drillList: Command = {
  name: 'drill list',
  summary: 'list the drills, newest first, with how long each took to be inert',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ api, io, style }) => {
    const found = await api.get('/api/drills');
    const drills = Array.isArray(found.drills) ? found.drills.filter(isJsonObject) : [];
    const now = io.doors.clock.now();
    const slowest = Math.max(1, ...drills.map(({ timeToInertMs }) => Number(timeToInertMs ?? 0)));
    const rows = drills.map((one) => [
      String(one.id),
      plain(String(one.agent)),
      relative(Number(one.begunAt), now),
      one.ok === null ? 'no report' : one.ok === true ? 'passed' : 'FAILED',
      typeof one.timeToInertMs === 'number' ? duration(one.timeToInertMs) : '',
      barOf(one, slowest),
    ]);
    const head = healthText(found.health as unknown as DrillHealth, style);
    const text =
      rows.length === 0
        ? `${head}\nno drill yet; \`signalbox drill\` makes one`
        : `${head}\n${table(['DRILL', 'AGENT', 'WHEN', 'RESULT', 'INERT AFTER', 'TREND'], rows, style)}`;
    return { json: found, text };
  },
};

function barOf({ timeToInertMs }: JsonObject, slowest: number): string {
  if (typeof timeToInertMs !== 'number') return '';
  return '▪'.repeat(Math.max(1, Math.round((timeToInertMs / slowest) * BAR)));
}

export function healthText({ state }: DrillHealth, style: Style): string {
  const words: { readonly [S in DrillHealth['state']]: string } = {
    off: 'no drill is planned',
    never: style.bad('a drill is planned, and none was made yet'),
    fresh: style.good('drilled as planned'),
    stale: style.bad('the last drill is too long ago'),
    failed: style.bad('the last drill failed'),
  };
  return words[state];
}

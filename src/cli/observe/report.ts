import { isJsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { count, relative, table } from '../render.ts';

const WOULD: { readonly [ceiling: string]: string } = {
  deny: 'refused',
  draft: 'kept as a draft',
  stage: 'staged',
  approve: 'asked',
};

export const observeReport: Command = {
  name: 'observe report',
  summary:
    'show what would have been refused or asked while agents are observed, by tool and reason',
  usage: '',
  positionals: [0, 0],
  options: { agent: { type: 'string', value: 'NAME', summary: 'of this agent only' } },
  run: async ({ api, io, style, options }) => {
    const { agent } = options;
    const query = typeof agent === 'string' ? `?agent=${encodeURIComponent(agent)}` : '';
    const found = await api.get(`/api/observe${query}`);
    const list = (value: unknown) => (Array.isArray(value) ? value.filter(isJsonObject) : []);
    const now = io.doors.clock.now();
    const head = list(found.observed).map(({ agent: name, until, on }) =>
      style.bad(
        `${plain(String(name))} ${on === true ? 'is OBSERVED' : 'will be observed'} until ${new Date(Number(until)).toISOString().slice(0, 10)}`,
      ),
    );
    const rows = list(found.rows).map((row) => [
      plain(String(row.agent)),
      plain(String(row.tool)),
      `${row.check}: ${row.code}`,
      WOULD[String(row.would)] ?? String(row.would),
      String(row.count),
      `${relative(Number(row.lastAt), now)} (${row.lastAction})`,
    ]);
    const text = [
      head.length === 0 ? 'no agent is observed' : head.join('\n'),
      rows.length === 0
        ? `nothing was let pass in ${count(Number(found.runs), 'run')}`
        : table(['AGENT', 'TOOL', 'CHECK', 'WOULD BE', 'CALLS', 'LAST'], rows, style),
      ...(found.complete === true ? [] : ['older records were not looked at']),
    ].join('\n');
    return { json: found, text };
  },
};

import { canonical } from '../../domain/json.ts';
import type { RunView } from '../../surfaces/admin/desk.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import { type EventView, textOf } from '../../surfaces/admin/timeline.ts';
import type { Command } from '../command.ts';
import { count, fields, moment, type Style } from '../render.ts';

export const runShow: Command = {
  name: 'run show',
  summary: 'show a run: what it asked for, what was decided and what became of it',
  usage: 'ID',
  positionals: [1, 1],
  options: {},
  run: async ({ api, positionals: [id = ''], style }) => {
    const found = await api.get(`/api/runs/${encodeURIComponent(id)}`);
    return { json: found, text: runText(found as unknown as RunView, style) };
  },
};

function runText({ run, halts, events, more }: RunView, style: Style): string {
  const head = fields(
    [
      ['run', run.id],
      ['agent', run.agent],
      [
        'acts for',
        run.actsFor.length === 0
          ? null
          : run.actsFor.map((above) => `${above.agent} (${above.run})`).join(', for '),
      ],
      ['on behalf of', run.subject ?? null],
      ['intent', `${run.intent}  (its own words)`],
      ['state', run.state],
      ['started', moment(run.startedAt)],
      ['ended', run.endedAt === null ? null : moment(run.endedAt)],
      ['limits', Object.keys(run.budget).length === 0 ? null : canonical(run.budget)],
      ['tools', run.tools === null ? null : run.tools.join(', ')],
      ['halted', halts.length === 0 ? null : halts.map(({ scope }) => scope).join(', ')],
    ],
    style,
  );
  const lines = events.flatMap((event) => eventLines(event, style));
  const rest = more
    ? ['', 'there are more records; `--json` shows the same ones, the page too']
    : [];
  return [head, '', style.strong(count(events.length, 'record')), ...lines, ...rest].join('\n');
}

function eventLines(event: EventView, style: Style): string[] {
  const { body } = event;
  const words = [
    event.type,
    textOf(body.purpose) === 'preview' ? 'preview' : null,
    textOf(body.tool),
    textOf(body.outcome) ?? textOf(body.answer) ?? textOf(body.state) ?? textOf(body.mode),
    textOf(body.by) === 'act' ? null : textOf(body.by),
    textOf(body.approval),
    event.erased ? 'erased' : null,
  ].filter((word) => word !== null);
  const said = event.payload?.arguments;
  const decisive = event.type === 'action.denied' || event.type === 'action.parked';
  const reasons = decisive
    ? event.verdicts.filter(({ ceiling }) => ceiling === textOf(body.mode))
    : [];
  return [
    `${style.dim(`${String(event.seq).padStart(4)}  ${moment(event.at)}`)}  ${plain(words.join(' '))}`,
    ...(said === undefined || said === null ? [] : [`      ${plain(canonical(said))}`]),
    ...reasons.map(
      ({ check, code, reason }) => `      ${style.bad(check)}: ${plain(reason ?? code)}`,
    ),
  ];
}

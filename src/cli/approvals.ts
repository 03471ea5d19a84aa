import type { JsonObject } from '../domain/json.ts';
import { type AskView, placeOf } from '../surfaces/admin/ask-view.ts';
import { askText } from './approval-text.ts';
import type { Answer, Call, Command } from './command.ts';
import { confirm } from './confirm.ts';
import { count, relative, table } from './render.ts';

export const approvals: Command = {
  name: 'approvals',
  summary: 'list what waits for an answer, or show one of them whole',
  usage: '[ID]',
  positionals: [0, 1],
  options: { all: { type: 'boolean', summary: 'answered, used, void and expired ones too' } },
  run: async (call) => {
    const [id] = call.positionals;
    return id === undefined ? listed(call) : shown(call, id);
  },
};

export const approve: Command = {
  name: 'approve',
  summary: 'show what would run and what it changes, ask, and approve exactly that',
  usage: 'ID',
  positionals: [1, 1],
  options: {
    because: { type: 'string', value: 'TEXT', summary: 'kept in the ledger' },
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: (call) => answered(call, 'approve'),
};

export const refuse: Command = {
  name: 'refuse',
  summary: 'refuse what waits for an answer',
  usage: 'ID',
  positionals: [1, 1],
  options: { because: { type: 'string', value: 'TEXT', summary: 'kept in the ledger' } },
  run: (call) => answered(call, 'refuse'),
};

async function listed({ api, io, options, style }: Call): Promise<Answer> {
  const found = await api.get(`/api/approvals?state=${options.all === true ? 'all' : 'pending'}`);
  const views = found.approvals as unknown as readonly AskView[];
  const now = io.doors.clock.now();
  const text =
    views.length === 0
      ? 'nothing waits for an answer'
      : table(
          ['APPROVAL', 'STATE', 'TOOL', 'TARGET', 'AGENT', 'ASKED', 'EXPIRES', 'WOULD CHANGE'],
          views.map((view) => [
            view.id,
            view.state,
            view.tool,
            placeOf(view),
            view.agent,
            relative(view.askedAt, now),
            relative(view.expiresAt, now),
            changed(view),
          ]),
          style,
        );
  const more = found.more === true ? '\nthere are older ones that are not listed here' : '';
  return { json: found, text: text + more };
}

function changed({ measured }: AskView): string {
  if (measured === null) return 'not previewed';
  const { rowsWritten, rowsDeleted } = measured.effect;
  return `${count(rowsWritten, 'row')} written, ${rowsDeleted} deleted`;
}

async function shown({ api, io, style }: Call, id: string): Promise<Answer> {
  const found = await api.get(`/api/approvals/${encodeURIComponent(id)}`);
  return { json: found, text: askText(found as unknown as AskView, io.doors.clock.now(), style) };
}

/** The digest that goes back is the one of what was shown here: if the ask is another by then, it is refused. */
async function answered(call: Call, verb: 'approve' | 'refuse'): Promise<Answer> {
  const { api, io, options, positionals, style } = call;
  const path = `/api/approvals/${encodeURIComponent(positionals[0] ?? '')}`;
  const found: JsonObject = await api.get(path);
  const view = found as unknown as AskView;
  if (verb === 'approve')
    await confirm(call, askText(view, io.doors.clock.now(), style), 'Approve exactly this?');
  const because = typeof options.because === 'string' ? options.because : '';
  const done = await api.post(`${path}/${verb}`, { because, digest: view.digest });
  const word = verb === 'approve' ? 'approved' : 'refused';
  const next = verb === 'approve' ? '; it runs when its agent asks again, judged once more' : '';
  return { json: done, text: `${word} ${view.id} (${view.tool} at ${placeOf(view)})${next}` };
}

import { canonical, type JsonObject } from '../domain/json.ts';
import type { Measured, RowImage } from '../domain/proposal.ts';
import { type AskView, placeOf, servedWords } from '../surfaces/admin/ask-view.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import { count, fields, moment, relative, type Style, table } from './render.ts';

/** An ask for a terminal: the same facts as on the page, nothing shortened. */
export function askText(view: AskView, now: number, style: Style): string {
  const parts = [
    fields(
      [
        ['approval', view.id],
        ['state', view.state],
        [
          'tool',
          `${view.tool}  (${[view.effect, undoWords(view)].filter((word) => word !== null).join(', ')})`,
        ],
        ['called', view.title === null ? null : `${view.title} (by its server)`],
        ['target', placeOf(view)],
        ['agent', view.owner === null ? view.agent : `${view.agent}, answerable: ${view.owner}`],
        ['run', view.runId],
        ['asked', moment(view.askedAt)],
        ['expires', `${moment(view.expiresAt)} (${relative(view.expiresAt, now)})`],
        ['answered', view.answeredBy],
        ['bound to', view.target],
        ['digest', view.digest],
        ['pre-state', view.preState ?? 'not measured'],
      ],
      style,
    ),
    `${style.strong('What will run')}\n${bindingText(view.binding)}`,
    `${style.strong('Arguments, exactly')}\n${view.argumentsText === null ? 'erased' : plain(view.argumentsText)}`,
    ...(view.sentText === null
      ? []
      : [`${style.strong('Sent, with what the operator fixed')}\n${plain(view.sentText)}`]),
    ...(view.continuationText === null
      ? []
      : [
          `${style.strong('Answers to what the target asked before, sent with it')} (the agent’s words, not checked)\n${quoted(view.continuationText)}`,
        ]),
    ...(view.provenance.length === 0
      ? []
      : [
          `${style.strong('Where its values come from')}\n${view.provenance.map((line) => plain(line)).join('\n')}`,
        ]),
    view.shownText !== null
      ? `${style.strong('What it would change')} (as ${view.shownBy ?? 'its preview'} says: the words of a target, not measured)\n${quoted(view.shownText)}`
      : view.measured === null
        ? `${style.bad('Not previewed.')} This target cannot say before what an action would change.`
        : measuredText(view.measured, style),
    `${style.strong('What the run says it is for')} (the agent’s words, not checked)\n${view.intent === null ? 'erased' : quoted(view.intent)}`,
  ];
  if (view.problem !== null) parts.unshift(style.bad(`This cannot be approved: ${view.problem}`));
  return parts.join('\n\n');
}

function undoWords({ reversibility }: AskView): string | null {
  if (reversibility === null) return null;
  return reversibility === 'none'
    ? 'cannot be undone'
    : reversibility === 'declared'
      ? 'undo declared, never tried'
      : 'undo exercised';
}

function bindingText(binding: JsonObject | null): string {
  if (binding === null) return 'not shown: the tool is no longer the one that was asked for';
  const served = servedWords(binding);
  if (served !== null) return `${plain(served)}\n${plain(canonical(binding))}`;
  const text = [binding.statement, binding.sql].find((value) => typeof value === 'string');
  return text === undefined ? plain(canonical(binding)) : plain(String(text), true);
}

/** Every line marked, so that nothing in it can pass for a line of ours. */
function quoted(text: string): string {
  return plain(text, true)
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

function measuredText(measured: Measured, style: Style): string {
  const parts = [
    `${style.strong('What it would change')} (run, measured and cancelled: nothing has happened yet)`,
    measured.byTable.length === 0
      ? 'no row, counted by the target'
      : table(
          ['TABLE', 'INSERTED', 'UPDATED', 'DELETED'],
          measured.byTable.map((row) => [row.table, row.inserted, row.updated, row.deleted]),
          style,
        ),
    ...measured.images.map((image) => imageText(image, style)),
    measured.imagesComplete
      ? `the rows shown are all that would change (${count(measured.images.length, 'row')})`
      : style.bad(
          'the effect is not fully captured: the target counts more changed rows than are shown',
        ),
  ];
  return parts.join('\n');
}

function imageText({ table: name, before, after }: RowImage, style: Style): string {
  const lines = [
    `${before === null ? 'insert' : after === null ? 'delete' : 'update'} ${plain(name)}`,
  ];
  for (const column of Object.keys({ ...before, ...after })) {
    const was = cell(before, column);
    const will = cell(after, column);
    if (before !== null && after !== null && was === will)
      lines.push(`    ${plain(column)}: ${was}`);
    else {
      if (before !== null) lines.push(style.bad(`  - ${plain(column)}: ${was}`));
      if (after !== null) lines.push(style.good(`  + ${plain(column)}: ${will}`));
    }
  }
  return lines.join('\n');
}

function cell(row: JsonObject | null, column: string): string {
  return row !== null && Object.hasOwn(row, column) ? plain(canonical(row[column])) : 'absent';
}

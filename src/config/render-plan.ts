import { withHiddenShown } from '../boundary/text.ts';
import type { Json } from '../domain/json.ts';
import type { Change, FieldChange } from './changes.ts';
import type { Plan } from './plan.ts';

const SIGNS: Readonly<Record<Change['kind'], string>> = { added: '+', removed: '-', changed: '~' };

/** A plan without the bundle itself: its digest. What the admin API sends and a terminal shows. */
export type PlanView = Omit<Plan, 'bundle'> & { readonly bundle: string };

export function viewOf({ bundle, base, changes, widenings, warnings }: Plan): PlanView {
  return { bundle: bundle.digest, base, changes, widenings, warnings };
}

/** The plan for a terminal: every change, aligned; then every widening, then what is worth a look. Nothing is cut. */
export function renderPlan(plan: PlanView): string {
  const { changes, widenings, warnings, bundle, base } = plan;
  const lines: string[] = [];
  if (changes.length === 0) lines.push('nothing changes: the active bundle is what this file says');
  else
    lines.push(
      `${counted(changes.length, 'change')}, ${widenings.length === 0 ? 'none widens authority' : `${counted(widenings.length, 'widening')}`}`,
      '',
    );
  const subject = Math.max(0, ...changes.map((change) => change.subject.length));
  const name = Math.max(0, ...changes.map((change) => change.name.length));
  for (const change of changes) {
    const mark = change.widens.length > 0 ? '!' : ' ';
    const head = `${mark} ${SIGNS[change.kind]} ${change.subject.padEnd(subject)}  ${change.name.padEnd(name)}`;
    lines.push(`${head}  ${summaryOf(change)}`.trimEnd());
    if (change.kind === 'changed') lines.push(...change.fields.flatMap(fieldLines));
  }
  if (widenings.length > 0)
    lines.push(
      '',
      'widens authority (an owner must apply it):',
      ...widenings.map((words) => `  ! ${withHiddenShown(words)}`),
    );
  if (warnings.length > 0)
    lines.push('', 'worth a look:', ...warnings.map((words) => `  - ${withHiddenShown(words)}`));
  if (changes.length > 0) lines.push('', `bundle ${short(bundle)} would replace ${short(base)}`);
  return lines.join('\n');
}

function summaryOf({ kind, subject, fields }: Change): string {
  if (kind === 'removed') return 'goes';
  if (kind === 'changed') return '';
  const told = (...names: string[]) =>
    names
      .flatMap((name) => fields.filter(({ field }) => field === name))
      .map(({ after }) => (typeof after === 'string' ? after : JSON.stringify(after)))
      .join(', ');
  switch (subject) {
    case 'connection':
      return told('kind', 'environment', 'settings.host', 'settings.url');
    case 'tool':
      return told('effect', 'connection');
    default:
      return told('name', 'owner', 'rung', 'limit', 'minutes', 'domains');
  }
}

function fieldLines({ field, before, after }: FieldChange): string[] {
  const [was, is] = [shown(before), shown(after)];
  if (was.length + is.length <= 80 && !`${was}${is}`.includes('\n'))
    return [`      ${field}: ${was} → ${is}`];
  return [`      ${field}:`, ...block('-', was), ...block('+', is)];
}

function block(sign: string, text: string): string[] {
  return text.split('\n').map((line) => `        ${sign} ${line}`);
}

/** Texts as they are, line by line: a statement is read, not decoded. */
function shown(value: Json): string {
  if (value === null) return 'nothing';
  return withHiddenShown(typeof value === 'string' ? value.trimEnd() : JSON.stringify(value));
}

function short(digest: string): string {
  return digest === 'none' ? 'nothing' : digest.slice(0, 12);
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

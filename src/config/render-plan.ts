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

/** From this many on, tools and grants that come or go together are told together. */
const MANY = 4;
const WIDTH = 100;

/**
 * The plan for a terminal: every change, aligned; then every widening, then what is worth a look. Nothing is cut: what
 * many share is said once, with all their names.
 */
export function renderPlan(plan: PlanView): string {
  const { changes, widenings, warnings, bundle, base } = plan;
  const lines: string[] = [];
  if (changes.length === 0) lines.push('nothing changes: the active bundle is what this file says');
  else
    lines.push(
      `${counted(changes.length, 'change')}, ${widenings.length === 0 ? 'none widens authority' : `${counted(widenings.length, 'widening')}`}`,
      '',
      ...changeLines(changes),
    );
  if (widenings.length > 0)
    lines.push('', 'widens authority (an owner must apply it):', ...wideningLines(plan));
  if (warnings.length > 0)
    lines.push('', 'worth a look:', ...warnings.map((words) => `  - ${withHiddenShown(words)}`));
  if (changes.length > 0) lines.push('', `bundle ${short(bundle)} would replace ${short(base)}`);
  return lines.join('\n');
}

function changeLines(changes: readonly Change[]): string[] {
  const groups = grouped(changes, groupOf);
  const alone = groups.filter(({ length }) => length < MANY).flat();
  const subject = Math.max(0, ...changes.map((change) => change.subject.length));
  const name = Math.max(0, ...alone.map((change) => change.name.length));
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length >= MANY) return [headOf(first, subject, sharedBy(group)), ...namesOf(group)];
    return group.flatMap((change) => {
      const head = headOf(change, subject, `${change.name.padEnd(name)}  ${summaryOf(change)}`);
      return change.kind === 'changed' ? [head, ...change.fields.flatMap(fieldLines)] : [head];
    });
  });
}

function headOf({ widens, kind, subject }: Change, width: number, rest: string): string {
  const mark = widens.length > 0 ? '!' : ' ';
  return `${mark} ${SIGNS[kind]} ${subject.padEnd(width)}  ${rest}`.trimEnd();
}

/** What changes share when they are told together; what is changed is always told by itself. */
function groupOf(change: Change): string {
  const { kind, subject, name, widens } = change;
  if (kind === 'changed' || (subject !== 'tool' && subject !== 'grant'))
    return `${subject} ${name}`;
  const of = subject === 'tool' ? '' : (name.split(' ')[0] ?? '');
  return [kind, subject, of, summaryOf(change), widens.length > 0].join('\n');
}

function sharedBy(group: readonly Change[]): string {
  const [first] = group;
  if (first === undefined) return '';
  const { subject, name } = first;
  const agent = subject === 'grant' ? `to ${name.split(' ')[0]}: ` : '';
  return `${agent}${counted(group.length, subject)}  ${summaryOf(first)}`;
}

function namesOf(group: readonly Change[]): string[] {
  return wrapped(
    group.map(({ subject, name }) => (subject === 'grant' ? (name.split(' ')[1] ?? name) : name)),
  );
}

/** Widenings that differ in the name of the tool alone are told together. */
function wideningLines({ changes, widenings }: PlanView): string[] {
  const told = changes.flatMap(({ subject, name, widens }) => {
    const tool = subject === 'grant' ? (name.split(' ')[1] ?? '') : subject === 'tool' ? name : '';
    return widens.map((words) => ({ tool, words, shared: words.replace(`\`${tool}\``, '…') }));
  });
  const known = new Set(told.map(({ words }) => words));
  const rest = widenings.filter((words) => !known.has(words));
  const groups = grouped(told, ({ tool, words, shared }) => (tool === '' ? words : shared));
  return [
    ...groups.flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      if (group.length < MANY) return group.map(({ words }) => `  ! ${withHiddenShown(words)}`);
      const words = first.shared.replace('…', `each of ${group.length} tools`);
      return [`  ! ${withHiddenShown(words)}`, ...wrapped(group.map(({ tool }) => tool))];
    }),
    ...rest.map((words) => `  ! ${withHiddenShown(words)}`),
  ];
}

/** In the order of the first of each. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function wrapped(names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const name of names.map((each) => withHiddenShown(each))) {
    if (line !== '' && line.length + name.length + 2 > WIDTH) {
      lines.push(`${line},`);
      line = '';
    }
    line = line === '' ? `      ${name}` : `${line}, ${name}`;
  }
  return line === '' ? lines : [...lines, line];
}

function summaryOf({ kind, subject, fields }: Change): string {
  if (kind === 'removed') return 'goes';
  if (kind === 'changed') return '';
  const told = (...names: string[]) =>
    names
      .flatMap((name) => fields.filter(({ field }) => field === name))
      .map(({ field, after }) => (field === 'settings.command' ? typed(after) : inWords(after)))
      .join(', ');
  switch (subject) {
    case 'connection':
      return told('kind', 'environment', 'settings.host', 'settings.url', 'settings.command');
    case 'tool':
      return told('effect', 'connection');
    default:
      return told('name', 'owner', 'rung', 'limit', 'minutes', 'domains');
  }
}

function inWords(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A command as it would be typed, when its words need no quotes. */
function typed(value: Json): string {
  const plain =
    Array.isArray(value) && value.every((word) => /^[\w@%+=:,./-]+$/.test(String(word)));
  return plain ? (value as readonly Json[]).join(' ') : inWords(value);
}

function fieldLines({ field, before, after }: FieldChange): string[] {
  // two digests tell a reader nothing: what changed in the definition stands in the other fields
  if (field === 'binding.definition')
    return [`      definition at the server: ${short(shown(before))} → ${short(shown(after))}`];
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

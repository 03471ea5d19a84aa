import type { Bundle } from '../domain/bundle.ts';
import { canonical, isJsonObject, type Json } from '../domain/json.ts';
import { compare } from './order.ts';

/** One thing that differs between two bundles, field by field. `widens` says in words how it gives more authority. */
export type Change = {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly subject: Subject;
  readonly name: string;
  readonly fields: readonly FieldChange[];
  readonly widens: readonly string[];
};

/** Null where the field was not there. */
export type FieldChange = {
  readonly field: string;
  readonly before: Json;
  readonly after: Json;
};

/** In this order they are shown. */
export const SUBJECTS = [
  'organisation',
  'connection',
  'tool',
  'agent',
  'grant',
  'user',
  'limit',
  'approvals',
  'alert',
  'automatic halt',
  'consult',
  'loops',
  'drill',
  'policy',
  'candidate policy',
  'working hours',
  'freeze',
] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What a bundle says, as named things with fields; before the first there is nothing. Digests say what fields say. */
function thingsOf(bundle: Bundle): Map<string, { subject: Subject; name: string; value: Json }> {
  const things = new Map<string, { subject: Subject; name: string; value: Json }>();
  const put = (subject: Subject, name: string, value: unknown) => {
    things.set(keyOf(subject, name), { subject, name, value: value as Json });
  };
  if (bundle.digest === 'none') return things;
  put('organisation', 'organisation', bundle.organisation);
  for (const { name, ...connection } of Object.values(bundle.connections))
    put('connection', name, connection);
  for (const { name, digest: _, ...tool } of Object.values(bundle.tools)) put('tool', name, tool);
  for (const { name, ...agent } of Object.values(bundle.agents)) put('agent', name, agent);
  for (const { agent, tool, rung } of bundle.grants) put('grant', `${agent} ${tool}`, { rung });
  for (const { name, ...user } of Object.values(bundle.users ?? {})) put('user', name, user);
  for (const [scope, limits] of Object.entries(bundle.limits))
    for (const [dimension, limit] of Object.entries(limits))
      put('limit', `${scope} ${dimension}`, { limit });
  put('approvals', 'approvals', { minutes: bundle.approvalMinutes });
  for (const { name, ...alert } of bundle.alerts ?? []) put('alert', name, alert);
  for (const [kind, rule] of Object.entries(bundle.automaticHalts ?? {}))
    put('automatic halt', kind, rule);
  for (const { name, ...consult } of bundle.consults ?? []) put('consult', name, consult);
  if (bundle.loops !== undefined) put('loops', 'loops', bundle.loops);
  if (bundle.drill !== undefined) put('drill', 'drill', bundle.drill);
  const { set = {}, candidate = {}, hours, freezes = [] } = bundle.policies ?? {};
  for (const [id, text] of Object.entries(set)) put('policy', id, { text });
  for (const [id, text] of Object.entries(candidate)) put('candidate policy', id, { text });
  if (hours !== undefined) put('working hours', 'working hours', hours);
  for (const { name, ...times } of freezes) put('freeze', name, times);
  return things;
}

/** Every difference, in a fixed order; `widens` of each is asked for. */
export function changesBetween(
  before: Bundle,
  after: Bundle,
  widens: (change: Change) => readonly string[],
): Change[] {
  const [old, fresh] = [thingsOf(before), thingsOf(after)];
  const changes: Change[] = [];
  for (const key of new Set([...old.keys(), ...fresh.keys()])) {
    const [was, is] = [old.get(key), fresh.get(key)];
    const thing = is ?? was;
    if (thing === undefined) continue;
    const fields = fieldChanges(was?.value ?? {}, is?.value ?? {});
    if (was !== undefined && is !== undefined && fields.length === 0) continue;
    const kind = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed';
    const change: Change = { kind, subject: thing.subject, name: thing.name, fields, widens: [] };
    changes.push({ ...change, widens: widens(change) });
  }
  return changes.sort(
    (a, b) => SUBJECTS.indexOf(a.subject) - SUBJECTS.indexOf(b.subject) || compare(a.name, b.name),
  );
}

export function fieldChanges(before: Json, after: Json): FieldChange[] {
  const [old, fresh] = [leavesOf(before), leavesOf(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .sort(compare)
    .map((field) => ({ field, before: old.get(field) ?? null, after: fresh.get(field) ?? null }))
    .filter(({ before, after }) => canonical(before) !== canonical(after));
}

/** Every field that is no mapping, by its dotted path. Lists are whole: their order may matter. */
function leavesOf(value: Json, path = '', leaves = new Map<string, Json>()): Map<string, Json> {
  if (isJsonObject(value) && (path === '' || Object.keys(value).length > 0))
    for (const [key, inner] of Object.entries(value))
      leavesOf(inner, path === '' ? key : `${path}.${key}`, leaves);
  else leaves.set(path, value);
  return leaves;
}

function keyOf(subject: Subject, name: string): string {
  return `${subject} ${name}`;
}

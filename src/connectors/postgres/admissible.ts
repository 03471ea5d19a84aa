import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import type { TableRights } from './binding.ts';
import { type Relation, ungivable } from './catalogue.ts';
import { type Resolved, targetsOf } from './rights.ts';
import { forbidden } from './shape.ts';

export function checkTargets(resolved: Resolved): void {
  for (const { oid } of targetsOf(resolved)) {
    const relation = resolved.relations.get(oid);
    const spoken = `${relation?.schema}.${relation?.name}`;
    if (relation?.kind !== 'r' && relation?.kind !== 'p')
      throw forbidden(`a write to ${spoken}`, 'it is no table');
    if (relation.rewritten)
      throw forbidden(`a write to ${spoken}`, 'rules turn it into something else');
  }
}

/** Partitions, inheriting tables and cascade targets: what is elsewhere is neither measured nor rolled back. */
export function checkReached(relations: Iterable<Relation>): void {
  for (const { kind, schema, name } of relations)
    if (kind !== 'r' && kind !== 'p')
      throw forbidden(`${schema}.${name}`, 'it is reached from the statement, and is no table');
}

/** The broker can hand on only what it holds WITH GRANT OPTION: said when planning, not when it is too late. */
export async function checkGivable(
  client: AdminClient,
  tables: readonly TableRights[],
): Promise<void> {
  for (const table of tables) {
    const each = (privilege: string, columns: readonly string[]): [string, string][] =>
      columns.map((column) => [privilege, column]);
    const missing = await ungivable(client, table.oid, [
      ...each('SELECT', table.select),
      ...each('INSERT', table.insert),
      ...each('UPDATE', table.update),
      ...(table.delete ? [['DELETE', null] as const] : []),
    ]);
    if (missing.length === 0) continue;
    const object = `${table.schema}.${table.name}`;
    throw new SignalboxError(
      'TOOL_UNRESOLVED',
      `the broker may not hand on ${missing.join(', ')} on \`${object}\``,
      {
        help: `as its owner: GRANT ${missing.join(', ')} ON ${object} TO <broker> WITH GRANT OPTION`,
      },
    );
  }
}

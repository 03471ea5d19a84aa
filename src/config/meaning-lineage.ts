import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { ToolLineage } from '../domain/lineage.ts';
import { isChosen, placeOf } from '../lineage/leaves.ts';
import { listOf, members, pointer } from './meaning.ts';
import { type ConfigProblem, problem } from './problems.ts';
import type { Source } from './source.ts';

/** Everything that tools say of lineage, wherever they are declared. */
export function lineageProblems(source: Source, root: JsonObject): ConfigProblem[] {
  const own = Object.entries(members(root.tools)).map(([name, tool]) => ({
    tool: members(tool),
    at: pointer('tools', name),
  }));
  const served = Object.entries(members(root.connections)).flatMap(([name, connection]) =>
    Object.entries(members(members(members(connection).serve).tools)).map(([tool, how]) => ({
      tool: members(how),
      at: pointer('connections', name, 'serve', 'tools', tool),
    })),
  );
  return [...own, ...served].flatMap(({ tool, at }) => [
    ...authorityProblems(source, tool, at),
    ...sourceProblems(source, tool, at),
    ...absentArguments(source, tool, at),
  ]);
}

function authorityProblems(source: Source, { authority }: JsonObject, at: string): ConfigProblem[] {
  return listOf(authority).flatMap((value, i) => {
    const { kind, least, most } = members(value);
    const place = `${at}/authority/${i}`;
    const bounded = least !== undefined || most !== undefined;
    if (bounded && kind !== undefined && kind !== 'amount')
      return [
        problem(
          'CONFIG_INVALID',
          source.at(place),
          `\`least\` and \`most\` mean nothing for a ${String(kind)}`,
          'they are for amounts',
        ),
      ];
    if (typeof least === 'number' && typeof most === 'number' && least > most)
      return [
        problem('CONFIG_INVALID', source.at(place), '`least` is more than `most`: nothing fits'),
      ];
    return [];
  });
}

/** A field that whoever wrote the record filled in proves nothing, whoever serves it. */
function sourceProblems(
  source: Source,
  { source: rules }: JsonObject,
  at: string,
): ConfigProblem[] {
  return listOf(rules).flatMap((rule, i) =>
    listOf(members(rule).trusted).flatMap((written, j) => {
      const name = placeOf(String(written)).findLast((part) => part !== '[]') ?? '';
      if (!isChosen(name)) return [];
      return [
        problem(
          'CONFIG_INVALID',
          source.at(`${at}/source/${i}/trusted/${j}`),
          `\`${String(written)}\` cannot be trusted: a stranger chooses what stands in a \`${name}\``,
          'name the id that the system gives, or a directory that only you can write',
        ),
      ];
    }),
  );
}

/** Of a tool whose arguments the file itself names. */
function absentArguments(source: Source, tool: JsonObject, at: string): ConfigProblem[] {
  if (tool.input === undefined) return [];
  return listOf(tool.authority).flatMap((value, i) => {
    const argument = String(isJsonObject(value) ? value.argument : value);
    if (Object.hasOwn(members(tool.input), firstOf(argument))) return [];
    const message = `\`authority\` names \`${argument}\`, and the tool has no such argument`;
    return [problem('CONFIG_INVALID', source.at(`${at}/authority/${i}`), message)];
  });
}

function firstOf(argument: string): string {
  return argument.replace(/^\//, '').split(/[.[/]/)[0] ?? argument;
}

/** Arguments that the tool does not have: a slip of the pen here would leave them unproven. */
export function unknownArguments(lineage: ToolLineage, schema: JsonObject): string[] {
  const known = schema.properties === undefined ? null : members(schema.properties);
  const named = [
    ...lineage.authority.map(({ argument }) => argument),
    ...lineage.source.flatMap(({ when }) => (when === undefined ? [] : [when.argument])),
  ];
  if (known === null) return [];
  return named.filter((argument) => !Object.hasOwn(known, firstOf(argument)));
}

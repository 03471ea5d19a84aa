import { isJsonObject } from '../domain/json.ts';
import type { Config } from './config.ts';
import { consultProblems } from './consults.ts';
import { declare } from './declare.ts';
import { grantProblems, nameProblems, referenceProblems, textProblems } from './meaning.ts';
import { connectionProblems } from './meaning-connection.ts';
import { lineageProblems } from './meaning-lineage.ts';
import { toolProblems } from './meaning-tool.ts';
import { observeProblems } from './observe.ts';
import type { PolicyFiles } from './policies.ts';
import { ConfigProblems } from './problems.ts';
import { shapeProblems } from './shape.ts';
import { readSource } from './source.ts';
import { subjectTokenProblems } from './subject-token.ts';
import { userProblems } from './users.ts';

/**
 * The configuration that the text of a file describes. `path` is only for the places in messages; `files` are the
 * policies that it names, by name.
 * Throws ConfigProblems with every fault of the file at once.
 */
export function loadConfig(text: string, path: string, files: PolicyFiles = {}): Config {
  const source = readSource(text, path);
  if (source.value === null && source.problems.length > 0)
    throw new ConfigProblems(source.problems);
  const root = isJsonObject(source.value) ? source.value : {};
  const problems = [
    ...source.problems,
    ...textProblems(source),
    ...shapeProblems(source),
    ...nameProblems(source, root),
    ...referenceProblems(source, root),
    ...connectionProblems(source, root),
    ...userProblems(source, root),
    ...subjectTokenProblems(source, root),
    ...observeProblems(source, root),
    ...consultProblems(source, root),
    ...toolProblems(source, root),
    ...lineageProblems(source, root),
    ...grantProblems(source, root),
  ];
  if (problems.length > 0) throw new ConfigProblems(problems);
  return declare(source, path, files);
}

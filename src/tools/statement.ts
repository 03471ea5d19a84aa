import { SignalboxError } from '../domain/errors.ts';

/** Parameters of a fixed statement and members of its input schema are the same. Throws SignalboxError TOOL_STATEMENT. */
export function checkInputs(parameters: readonly string[], inputs: readonly string[]): void {
  for (const name of parameters)
    if (!inputs.includes(name))
      throw new SignalboxError(
        'TOOL_STATEMENT',
        `the statement uses \`:${name}\`, which is not in the input schema`,
      );
  for (const name of inputs)
    if (!parameters.includes(name))
      throw new SignalboxError(
        'TOOL_STATEMENT',
        `the input schema has \`${name}\`, which the statement does not use`,
      );
}

/** A result is a JSON object a row: of two columns of one name only one would be seen. */
export function checkResultNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new SignalboxError('TOOL_STATEMENT', `two result columns are called \`${twice}\``, {
      help: 'name one of them with AS',
    });
}

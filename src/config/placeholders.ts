import type { JsonObject } from '../domain/json.ts';
import { members } from './meaning.ts';
import { nearest } from './names.ts';

export type Say = (place: string, message: string, help?: string) => void;

/** What `parse` reads at this place; null when it cannot, and that is said. */
export function readTemplate<T>(at: string, parse: () => T, say: Say): T | null {
  try {
    return parse();
  } catch (error) {
    say(at, `the template cannot be read: ${(error as Error).message}`);
    return null;
  }
}

/** The argument that a placeholder stands for; null when the tool has none of this name, and that is said. */
export function argumentFor(
  name: string,
  input: JsonObject,
  at: string,
  say: Say,
): JsonObject | null {
  if (Object.hasOwn(input, name)) return members(input[name]);
  const meant = nearest(name, Object.keys(input));
  say(
    at,
    `\`{${name}}\` is no argument of this tool`,
    meant === null ? `add \`${name}\` under \`input\`` : `did you mean \`{${meant}}\`?`,
  );
  return null;
}

import { dirname, resolve } from 'node:path';
import { readConfigText } from '../config/file.ts';
import { policyFilesNamed } from '../config/policies.ts';
import { readSource } from '../config/source.ts';
import type { Io } from './io.ts';

/** A configuration as it is sent to be planned: its text, and the policy files it names as a JSON object of texts. */
export type SentConfig = {
  readonly text: string;
  readonly path: string;
  readonly policies?: string;
};

/** Throws CONFIG_… errors, also for a policy file that is not there. */
export async function sentConfig(io: Pick<Io, 'cwd'>, name: string): Promise<SentConfig> {
  const path = resolve(io.cwd, name);
  const text = await readConfigText(path);
  const named = policyFilesNamed(readSource(text, name).value);
  if (named.length === 0) return { text, path: name };
  const files: { [name: string]: string } = {};
  for (const file of named) files[file] = await readConfigText(resolve(dirname(path), file));
  return { text, path: name, policies: JSON.stringify(files) };
}

import { SignalboxError } from '../../domain/errors.ts';
import type { Call, Command } from '../command.ts';

const LARGEST = 65_536;

export const secretSet: Command = {
  name: 'secret set',
  summary: 'store a secret of a connection, encrypted; the value is read from stdin',
  usage: 'NAME',
  positionals: [1, 1],
  options: {},
  run: async (call) => {
    const [name = ''] = call.positionals;
    const value = await fromStdin(call);
    const set = await call.api.post(`/api/secrets/${encodeURIComponent(name)}`, { value });
    return { json: set, text: `${name} is set, version ${String(set.version)}` };
  },
};

/** Never from the command line: that is in the process list and in the shell's history. One line end at the end is not part of it. */
async function fromStdin({ io }: Call): Promise<string> {
  if (io.input.terminal) io.err.write('value, then Ctrl-D (it is shown as you type): ');
  const value = await io.input.all(LARGEST).catch(() => {
    throw new SignalboxError('USAGE', `expected a value of at most ${LARGEST} bytes`);
  });
  const text = value.replace(/\r?\n$/, '');
  if (text === '') throw new SignalboxError('USAGE', 'expected a value on stdin, got nothing');
  return text;
}

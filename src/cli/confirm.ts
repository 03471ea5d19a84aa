import { SignalboxError } from '../domain/errors.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { Call } from './command.ts';

/** Shows `what` and waits for a yes, unless `--yes`. Without a terminal there is nobody to ask, so the answer is no. */
export async function confirm(call: Call, what: string, question: string): Promise<void> {
  if (call.options.yes === true) return;
  const { io } = call;
  if (!io.input.terminal)
    throw new SignalboxError(
      'NOT_CONFIRMED',
      'this needs a yes, and there is no terminal to ask at',
      {
        help: 'look at it first, then pass `--yes`',
      },
    );
  io.err.write(`${what}\n\n${plain(question)} [y/N] `);
  const line = (await io.input.line())?.trim().toLowerCase();
  if (line !== 'y' && line !== 'yes')
    throw new SignalboxError('NOT_CONFIRMED', 'you did not say yes');
}

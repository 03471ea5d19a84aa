import { SignalboxError } from '../../domain/errors.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Call } from '../command.ts';
import { confirm } from '../confirm.ts';

/** What a human is asked during a take-over. Each is one decision, and all of them are told in the answer. */
export type Decision =
  | {
      readonly kind: 'look';
      readonly servers: readonly string[];
      readonly secrets: readonly string[];
    }
  | {
      readonly kind: 'accept';
      readonly server: string;
      readonly classes: { readonly [tool: string]: string };
    }
  | { readonly kind: 'apply'; readonly widenings: readonly string[] };

export class Decisions {
  readonly #call: Call;
  readonly #made: (Decision & { readonly yes: boolean })[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  get made(): readonly (Decision & { readonly yes: boolean })[] {
    return this.#made;
  }

  /** A no ends the take-over. Throws NOT_CONFIRMED. */
  async must(decision: Decision, told: string, question: string): Promise<void> {
    await confirm(this.#call, told, question);
    this.#made.push({ ...decision, yes: true });
  }

  /** A no is an answer like a yes. `preset`: what the command line said already. Throws NOT_CONFIRMED without a terminal. */
  async may(
    decision: Decision,
    told: string,
    question: string,
    preset: boolean | null,
  ): Promise<boolean> {
    const yes = preset ?? (await this.#ask(told, question));
    this.#made.push({ ...decision, yes });
    return yes;
  }

  async #ask(told: string, question: string): Promise<boolean> {
    const { io } = this.#call;
    if (!io.input.terminal)
      throw new SignalboxError(
        'NOT_CONFIRMED',
        'this needs a yes or a no, and there is no terminal to ask at',
        {
          help: 'pass `--accept NAMES`, `--accept none` or `--yes`',
        },
      );
    io.err.write(`${told}\n\n${plain(question)} [y/N] `);
    const line = (await io.input.line())?.trim().toLowerCase();
    return line === 'y' || line === 'yes';
  }
}

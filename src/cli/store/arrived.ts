import { plain } from '../../surfaces/admin/reveal.ts';
import type { Answer, Call } from '../command.ts';
import { EXIT } from '../exit.ts';
import type { ArrivedStore } from '../parts.ts';
import { fields } from '../render.ts';

export function arrivedAnswer({ style }: Call, done: ArrivedStore, where: string): Answer {
  const { ok, ledger, schema, rows, payloads, problems } = done;
  const said = ok ? style.good('everything holds') : style.bad('it does not hold: do not use it');
  return {
    json: { ok, ledger, schema, rows, payloads, problems: [...problems] },
    text: [
      `${where}: ${said}`,
      fields(
        [
          ['ledger', ledger],
          ['schema', schema],
          ['rows', rows],
          ['payloads', payloads],
        ],
        style,
      ),
      ...problems.map((problem) => `  ${plain(problem)}`),
    ].join('\n'),
    exit: ok ? EXIT.ok.code : EXIT.failed.code,
  };
}

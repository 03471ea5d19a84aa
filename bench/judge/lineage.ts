import type { ToolLineage } from '../../src/domain/lineage.ts';
import { Book } from '../../src/lineage/book.ts';
import { flowsOf } from '../../src/lineage/flows.ts';
import { proofsOf } from '../../src/lineage/proofs.ts';
import { type Times, times } from './times.ts';

const RESULTS = 5;
const RESULT_CHARACTERS = 100_000;

const SENDS: ToolLineage = {
  authority: [
    { argument: 'to', kind: 'destination' },
    { argument: 'amount', kind: 'amount' },
    { argument: 'record', kind: 'target' },
  ],
  outward: true,
  source: [],
};

/** What proofs of a call and a look through its text of 1 KB cost on its way, after five results of 100 KB, indexed before. */
export function lineageTimes(rounds: number): Times {
  const book = new Book('pay the invoice 4711 of ann@acme.example');
  for (let at = 0; at < RESULTS; at++) {
    const rows = Array.from({ length: 1_000 }, (_, row) => ({
      id: `rec-${at}-${row}`,
      email: `user${at * 1_000 + row}@customers.example`,
      note: 'paid in time, nothing to add to that',
    }));
    const text = JSON.stringify(rows).slice(0, RESULT_CHARACTERS);
    book.add({
      ...{ action: `act_${at}`, tool: 'list', lineage: undefined, arguments: {} },
      settlement: { kind: 'done', result: { text, cut: [] } },
    });
  }
  book.settle();
  const ground = {
    book,
    organisation: { name: 'acme', domains: ['acme.example'] },
    isSecret: () => false,
  };
  const body = 'Words of our own that nobody else has written. '.repeat(21);
  const given = { to: 'user3500@customers.example', amount: 120, record: 'rec-2-77', body };
  const look = (): void => {
    book.settle();
    flowsOf(SENDS, given, proofsOf(SENDS, given, ground), ground);
  };
  return times(look, rounds);
}

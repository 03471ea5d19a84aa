/** Controls over models and decision points that are asked. */
import type { Mutation } from './mutations.ts';

const test = 'test/e2e/consults.test.ts';
const spends = 'test/e2e/consult-spend.test.ts';

export const OF_CONSULTS: readonly Mutation[] = [
  {
    control: 'what those say who are asked is judged',
    file: 'src/judge/judge.ts',
    find: "  ['consult', consult],\n",
    replace: '',
    test,
  },
  {
    control: 'they are asked before anything is recorded',
    file: 'src/broker/act.ts',
    find: 'asksOthers ? await consulted(broker, proposal, seen, first) : seen',
    replace: 'asksOthers ? seen : seen',
    test,
  },
  {
    control: 'of several answers the lowest counts',
    file: 'src/judge/checks/consult.ts',
    find: 'isHigher(worst.ceiling, answer.ceiling)',
    replace: 'isHigher(answer.ceiling, worst.ceiling)',
    test: 'test/properties/lowest_ceiling_wins.test.ts',
  },
  {
    control: 'a decision point that does not answer denies',
    file: 'src/domain/consult.ts',
    find: "consult.kind === 'authzen' ? 'deny' :",
    replace: '',
    test,
  },
  {
    control: 'a model that does not answer leaves a human where nothing undoes it',
    file: 'src/domain/consult.ts',
    find: "isUndoable ? 'auto' : 'approve'",
    replace: "'auto'",
    test,
  },
  {
    control: 'a decision point answers its canaries first',
    file: 'src/broker/consultants.ts',
    find: 'if (unproven !== null)',
    replace: "if (unproven === '')",
    test,
  },
  {
    control: 'a yes with a condition is a no',
    file: 'src/protocols/authzen/evaluation.ts',
    find: 'decision && unknown.length > 0',
    replace: 'decision && unknown.length > 99',
    test,
  },
  {
    control: 'only true is a yes',
    file: 'src/protocols/authzen/evaluation.ts',
    find: "if (typeof decision !== 'boolean')",
    replace: 'if (decision === undefined)',
    test,
  },
  {
    control: 'each call is a resource of its own',
    file: 'src/protocols/authzen/evaluation.ts',
    find: '`${tool}#${asked.call}`',
    replace: 'tool',
    test,
  },
  {
    control: 'an answer says the word of its question',
    file: 'src/protocols/llm/judge-call.ts',
    find: ' || said.case !== nonce',
    replace: '',
    test,
  },
  {
    control: 'a model is told no secret that is known here',
    file: 'src/broker/consultants.ts',
    find: 'const text = this.#parts.clean(JSON.stringify(what));',
    replace: 'const text = JSON.stringify(what);',
    test,
  },
  {
    control: 'a model is asked within its budget',
    file: 'src/broker/consult-spend.ts',
    find: 'if (!taken.ok)',
    replace: 'if (taken === null)',
    test: spends,
  },
  {
    control: 'what a question did not cost is given back',
    file: 'src/broker/consult-spend.ts',
    find: "dimension === 'moneyMicros' && less > 0",
    replace: 'less < 0',
    test: spends,
  },
  {
    control: 'the money of a run holds its consults',
    file: 'src/broker/consult-spend.ts',
    find: 'await moneyDraws(broker, run, money)',
    replace: '[]',
    test: spends,
  },
  {
    control: 'a dead judge is left alone',
    file: 'src/broker/consult-lane.ts',
    find: 'if (left > 0)',
    replace: 'if (left > 99_999)',
    test: spends,
  },
  {
    control: 'a dead judge is tried once, not by everybody',
    file: 'src/broker/consult-lane.ts',
    find: 'this.#failures = failed(answer) ? this.#failures + 1 : 0;',
    replace:
      'this.#failures = failed(answer) && this.#failures < FAILURES ? this.#failures + 1 : 0;',
    test: spends,
  },
  {
    control: 'an answer is one of three words and nothing around it',
    file: 'src/protocols/llm/judge-call.ts',
    find: "if (verdict !== 'allow' && verdict !== 'ask' && verdict !== 'deny') return null;",
    replace: '',
    test: spends,
  },
  {
    control: 'a model does not judge itself',
    file: 'src/config/consults.ts',
    find: "typeof used === 'string' && bare(used) === bare(model)",
    replace: 'used === null',
    test: 'src/config/consults.test.ts',
  },
];

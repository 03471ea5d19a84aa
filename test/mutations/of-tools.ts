import type { Mutation } from './mutations.ts';

/** Controls of tools: what is bound to them, programs that are started, and what is pinned. */
export const OF_TOOLS: readonly Mutation[] = [
  {
    control: 'an approval is for what its bound preview showed',
    file: 'src/broker/act.ts',
    find: 'if (shownState(seen.result) !== approval.binding.preState) {',
    replace: 'if (shownState(seen.result) === null) {',
    test: 'test/e2e/bindings.test.ts',
  },
  {
    control: 'an approved call is looked at again before it is made',
    file: 'src/broker/act.ts',
    find: "if (facts.tool?.preview !== undefined && decision.mode === 'approve') return review;",
    replace: '',
    test: 'test/e2e/bindings.test.ts',
  },
  {
    control: 'hidden characters of a result are written out',
    file: 'src/connectors/mcp/clean.ts',
    find: 'if (!isSuspect(serialised)) return { value, hidden: 0 };',
    replace: 'if (value !== null) return { value, hidden: 0 };',
    test: 'src/connectors/mcp/hostile-http.test.ts',
  },
  {
    control: 'an undo is of the row as the action left it',
    file: 'src/tools/undo.ts',
    find: 'if (!agree(now.before, after))',
    replace: 'if (now.before === after)',
    test: 'test/e2e/undo.test.ts',
  },
  {
    control: 'an action is taken back once',
    file: 'src/broker/undo.ts',
    find: 'else made.add(canonical(story.arguments));',
    replace: '',
    test: 'test/e2e/undo.test.ts',
  },
  {
    control: 'who asks for an undo does not approve it',
    file: 'src/broker/answer.ts',
    find: "given.answer === 'approved' && (await isOwnUndo",
    replace: "given.answer === 'refused' && (await isOwnUndo",
    test: 'test/e2e/undo.test.ts',
  },
  {
    control: 'an undo is under the grants of its agent',
    file: 'src/broker/undo.ts',
    find: 'rungOf(bundle, { agent, actsFor: [] }, bound.tool) === null',
    replace: "agent === ''",
    test: 'test/e2e/undo.test.ts',
  },
];

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
];

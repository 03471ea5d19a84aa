import type { Mutation } from './mutations.ts';

/** Controls of what an operator takes away from tools. */
export const OF_NARROW: readonly Mutation[] = [
  {
    control: 'what an operator fixed is sent',
    file: 'src/tools/narrow/input.ts',
    find: 'for (const { parts, value } of fixed) made = put(made, parts, 0, value);',
    replace: '',
    test: 'test/properties/narrowed_stays_narrow.test.ts',
  },
  {
    control: 'a pattern is for the whole text',
    file: 'src/tools/narrow/narrowing.ts',
    find: 'return `^(?:${pattern})$`;',
    replace: 'return pattern;',
    test: 'test/properties/narrowed_stays_narrow.test.ts',
  },
  {
    control: 'what an operator took cannot be sent',
    file: 'src/tools/narrow/narrowing.ts',
    find: 'grown(root, place).taken = true;',
    replace: 'grown(root, place);',
    test: 'test/properties/narrowed_stays_narrow.test.ts',
  },
  {
    control: 'what has bounds must be given',
    file: 'src/tools/narrow/narrowing.ts',
    find: 'if (bounds !== null && bounds.optional !== true) return true;',
    replace: '',
    test: 'test/properties/narrowed_stays_narrow.test.ts',
  },
  {
    control: 'only what is named of a result is handed on',
    file: 'src/connectors/mcp/narrowed-result.ts',
    find: 'else if (projects) strange++;',
    replace: '',
    test: 'test/e2e/narrowed.test.ts',
  },
];

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
  {
    control: 'observe mode lets nothing pass that destroys or cannot be taken back',
    file: 'src/judge/observe.ts',
    find: 'if (!isObserved(facts) || !mayPass(facts)) return verdicts;',
    replace: 'if (!isObserved(facts)) return verdicts;',
    test: 'test/properties/observe_never_lets_destroy_pass.test.ts',
  },
  {
    control: 'observe mode lets only named verdicts pass',
    file: 'src/judge/observe.ts',
    find: 'OBSERVABLE.get(check)?.has(code) !== true',
    replace: "check === ''",
    test: 'test/properties/observe_never_lets_destroy_pass.test.ts',
  },
  {
    control: 'observe mode ends',
    file: 'src/judge/observe.ts',
    find: 'now < Math.min(until, from + MAX_OBSERVED_MS)',
    replace: 'now < Number.MAX_VALUE + until',
    test: 'test/properties/observe_never_lets_destroy_pass.test.ts',
  },
];

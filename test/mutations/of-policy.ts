/** Controls of policies. */
import type { Mutation } from './mutations.ts';

const unit = 'src/policy/policies.test.ts';

export const OF_POLICY: readonly Mutation[] = [
  {
    control: 'policies that were not asked deny',
    file: 'src/judge/checks/policy.ts',
    find: "ceiling: 'deny',\n      code: 'POLICY_FAILED'",
    replace: "ceiling: 'auto',\n      code: 'OK'",
    test: 'test/properties/default_deny.test.ts',
  },
  {
    control: 'the ceiling of the policies is one of the verdicts',
    file: 'src/judge/judge.ts',
    find: "  ['policy', policy],\n",
    replace: '',
    test: 'test/properties/lowest_ceiling_wins.test.ts',
  },
  {
    control: 'a forbid that cannot be evaluated denies',
    file: 'src/policy/ruling.ts',
    find: 'if (broken.length > 0)',
    replace: 'if (broken.length > 99)',
    test: unit,
  },
  {
    control: 'an allow that no policy determined is a no',
    file: 'src/policy/ruling.ts',
    find: 'if (answer.allowed && answer.reasons.length === 0)',
    replace: 'if (answer.allowed && answer.reasons.length < 0)',
    test: unit,
  },
  {
    control: 'an argument that cannot be said exactly is refused where a policy reads it',
    file: 'src/policy/tool-policies.ts',
    find: 'if (context === null) return UNREADABLE;',
    replace: 'if (context === null) return rulingOf(of, { ...asking, arguments: {} }, reference);',
    test: unit,
  },
  {
    control: 'what was measured is asked about anew',
    file: 'src/broker/gather.ts',
    find: 'return ruled(broker, { ...facts, measured });',
    replace: 'return { ...facts, measured };',
    test: 'test/policy/through-act.test.ts',
  },
  {
    control: 'a slice holds every policy that can concern its tool',
    file: 'src/policy/policy-set.ts',
    find: 'const names = new Set([tool.name, ...groupsOf(tool)]);',
    replace: 'const names = new Set([tool.name]);',
    test: unit,
  },
  {
    control: 'requests are validated against the schema',
    file: 'src/policy/reference.ts',
    find: 'validateRequest: true',
    replace: 'validateRequest: false',
    test: 'src/policy/traps.test.ts',
  },
  {
    control: 'compiled policies that disagree with the reference engine are not used',
    file: 'src/policy/bundle-policies.ts',
    find: 'if (found === null) return settled(made);',
    replace: 'if (found === null || cases > 0) return settled(made);',
    test: unit,
  },
  {
    control: 'a disagreement of the engines is told to more than the log',
    file: 'src/broker/policy-alarms.ts',
    find: "if (kind === 'fallback') return;",
    replace: 'if (kind !== null) return;',
    test: 'src/broker/policy-alarms.test.ts',
  },
  {
    control: 'decisions that wait for a candidate are bounded',
    file: 'src/policy/shadow.ts',
    find: 'if (this.#waiting.length >= MOST_WAITING) {',
    replace: 'if (this.#waiting.length >= 1e9) {',
    test: 'src/policy/shadow.test.ts',
  },
  {
    control: 'a counterexample is put to the judge before it is told',
    file: 'src/broker/prove.ts',
    find: 'const decision = judge({ ...facts, policy: ruling });',
    replace:
      "const decision = judge({ ...facts, policy: { ...ruling, ceiling: 'auto', code: 'OK' } as never });",
    test: 'test/policy/prove.test.ts',
  },
  {
    control: 'a solver that cannot say is no proof',
    file: 'src/broker/prove.ts',
    find: "if (solved.kind === 'unknown') return this.#leave(tool, solved.why);",
    replace: "if (solved.kind === 'unknown') return null;",
    test: 'test/policy/prove.test.ts',
  },
  {
    control: 'what a proof does not read may be anything',
    file: 'src/policy/prove/symbol.ts',
    find: "return this.declare(`free_${this.#fresh++}`, 'Bool');",
    replace: 'return NO;',
    test: 'test/policy/prove.test.ts',
  },
  {
    control: 'a proof knows that observed agents are held by no policy',
    file: 'src/policy/prove/question.ts',
    find: 'ways.push(and(holds, observed));',
    replace: 'and(holds, observed);',
    test: 'test/policy/prove.test.ts',
  },
  {
    control: 'a proof knows that a sum beyond 64 bits fails',
    file: 'src/policy/prove/encode.ts',
    find: 'or(fails, `(< ${term} ${LEAST})`, `(> ${term} ${MOST})`)',
    replace: 'fails',
    test: 'test/policy/prove.test.ts',
  },
  {
    control: 'an engine that was stopped is not asked again',
    file: 'src/policy/reference.ts',
    find: 'this.#cedar = null;\n        this.#parsed',
    replace: 'this.#parsed',
    test: unit,
  },
];

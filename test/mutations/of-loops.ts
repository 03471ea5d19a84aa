/** Controls over what a run tree does again and again. */
import type { Mutation } from './mutations.ts';

const detectors = 'src/limits/loops/detect.test.ts';
const limits = 'test/e2e/limits.test.ts';
const wired = 'test/e2e/loops.test.ts';

export const OF_LOOPS: readonly Mutation[] = [
  {
    control: 'everybody together is held to a day',
    file: 'src/limits/blast-radius.ts',
    find: 'if (together !== undefined)',
    replace: 'if (together === -1)',
    test: limits,
  },
  {
    control: 'a refusal names only what would pass',
    file: 'src/judge/checks/blast-radius.ts',
    find: '    fits(other.cap);',
    replace: '    true;',
    test: limits,
  },
  {
    control: 'a harmful repeat is counted',
    file: 'src/limits/loops/repeat.ts',
    find: 'repeats.attempts === 0',
    replace: 'repeats.attempts < 9',
    test: wired,
  },
  {
    control: 'a repeat is counted over the whole run tree',
    file: 'src/broker/loops.ts',
    find: 'store.repeats({ root: run.root,',
    replace: 'store.repeats({ root: run.id,',
    test: wired,
  },
  {
    control: 'what became of a call is remembered',
    file: 'src/broker/act.ts',
    find: 'remember(broker, facts, outcome);',
    replace: '',
    test: wired,
  },
  {
    control: 'a loop that is not left is halted',
    file: 'src/broker/loops.ts',
    find: "firings.find(({ stage }) => stage === 'stop')",
    replace: 'firings.find(({ stage }) => stage === undefined)',
    test: wired,
  },
  {
    control: 'what the detectors saw is judged',
    file: 'src/judge/judge.ts',
    find: "  ['loops', loops],\n",
    replace: '',
    test: wired,
  },
  {
    control: 'the ledger tells the same trail as memory',
    file: 'src/limits/loops/steps.ts',
    find: "event.type === 'action.read' || event.type === 'action.denied'",
    replace: "event.type === 'action.read'",
    test: wired,
  },
  {
    control: 'polling that keeps its interval is no loop',
    file: 'src/limits/loops/steps.ts',
    find: 'if (pollingMs === undefined) return false;',
    replace: 'if (pollingMs !== 0) return false;',
    test: detectors,
  },
  {
    control: 'polling faster than declared is a loop',
    file: 'src/limits/loops/steps.ts',
    find: 'at - last.at >= pollingMs * 0.9',
    replace: 'at >= 0',
    test: detectors,
  },
  {
    control: 'the same result counts anywhere',
    file: 'src/limits/loops/same-result.ts',
    find: 'if (step.print?.exact === last?.exact) count++;',
    replace: '',
    test: detectors,
  },
  {
    control: 'failing calls count',
    file: 'src/limits/loops/failing.ts',
    find: "if (step.as === 'failed' || step.as === 'held') count++;",
    replace: '',
    test: detectors,
  },
  {
    control: 'cycles are seen',
    file: 'src/limits/loops/cycle.ts',
    find: 'if (rounds < ALONE) return null;',
    replace: 'if (rounds < 99) return null;',
    test: detectors,
  },
  {
    control: 'rounds that tell something new are progress',
    file: 'src/limits/loops/cycle.ts',
    find: 'if (told.has(one)) return false;',
    replace: 'return false;',
    test: detectors,
  },
  {
    control: 'reads without news are seen',
    file: 'src/limits/loops/no-news.ts',
    find: 'if (step.print?.blind !== last?.blind) break;',
    replace: 'break;',
    test: detectors,
  },
  {
    control: 'humans are not asked for ever',
    file: 'src/limits/loops/refused-asks.ts',
    find: 'if (count === 0) return null;',
    replace: 'if (count < 9) return null;',
    test: detectors,
  },
];

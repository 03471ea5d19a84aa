import type { Detector, Stage } from '../../../src/domain/loops.ts';
import type { Call } from './played.ts';

interface Control {
  readonly name: string;
  readonly detector: Detector;
  readonly stage: Stage;
  readonly calls: readonly Call[];
}

const times = (count: number, call: (index: number) => Call): Call[] =>
  Array.from({ length: count }, (_, index) => call(index));

/** Runs that loop, as they were reported: none may pass unseen. */
export const CONTROLS: readonly Control[] = [
  {
    name: '1,794 identical searches',
    detector: 'sameResult',
    stage: 'stop',
    calls: times(40, () => ({
      tool: 'search_files',
      effect: 'read',
      arguments: { q: '**' },
      says: '[]',
    })),
  },
  {
    name: 'the same failing command 300 times',
    detector: 'failing',
    stage: 'block',
    calls: times(40, () => ({
      tool: 'get_build',
      effect: 'read',
      arguments: { id: 1 },
      says: '',
      failed: true,
    })),
  },
  {
    name: 'forty retries of a destructive call',
    detector: 'repeat',
    stage: 'block',
    calls: times(40, () => ({
      tool: 'delete_volume',
      effect: 'change',
      arguments: { id: 'v' },
      says: 'ok',
    })),
  },
  {
    name: 'two searches that alternate for 50 minutes',
    detector: 'cycle',
    stage: 'pause',
    calls: times(40, (index) => ({
      tool: 'search_files',
      effect: 'read',
      arguments: { q: index % 2 === 0 ? 'a' : 'b' },
      says: 'none',
    })),
  },
  {
    name: 'ever other words, and never anything found',
    detector: 'noNews',
    stage: 'pause',
    calls: times(40, (index) => ({
      tool: 'search_files',
      effect: 'read',
      arguments: { q: `word ${index}` },
      says: `0 files in ${index} ms`,
    })),
  },
  {
    name: 'a server that answers in ever more pieces: 658 times the tokens',
    detector: 'cost',
    stage: 'pause',
    calls: times(40, (index) => ({
      tool: 'read_report',
      effect: 'read',
      arguments: { piece: index % 3 },
      says: `piece ${'x'.repeat(index)}`,
      model: { tokensIn: 1_000 * (index + 1) },
    })),
  },
  {
    name: 'three dear minutes in a row',
    detector: 'velocity',
    stage: 'pause',
    calls: times(120, (index) => ({
      tool: 'search_files',
      effect: 'read',
      arguments: { q: `word ${index}` },
      says: `${'x'.repeat(index)} found`,
      model: { tokensIn: 50_000, moneyMicros: 150_000 },
    })),
  },
  {
    name: 'a context that grows on its own, nothing new read',
    detector: 'velocity',
    stage: 'pause',
    calls: times(40, (index) => ({
      tool: `think_${index}`,
      effect: 'change',
      arguments: {},
      says: 'ok',
      model: { tokensIn: 1_000 + 400 * index, moneyMicros: 0 },
    })),
  },
  {
    name: 'a document after which every step costs twenty times as much',
    detector: 'jump',
    stage: 'pause',
    calls: times(20, (index) => ({
      tool: index < 10 ? 'read_file' : 'send_message',
      effect: index < 10 ? 'read' : 'change',
      arguments: { n: `${index}` },
      says: index < 10 ? `text ${'x'.repeat(index)}` : 'sent',
      model: { tokensIn: index < 10 ? 2_000 : 40_000 },
    })),
  },
  {
    name: 'the same words turn after turn',
    detector: 'words',
    stage: 'pause',
    calls: times(20, (index) => ({
      tool: `try_${index}`,
      effect: 'change',
      arguments: {},
      says: 'ok',
      model: { said: 'a print' },
    })),
  },
  {
    name: 'arguments that never fit, and an agent that sends them again',
    detector: 'invalid',
    stage: 'stop',
    calls: times(12, (index) => ({
      tool: 'set_plan',
      effect: 'change',
      arguments: index % 2 === 0 ? {} : { plan: index },
      says: '',
      misfit: true,
    })),
  },
];

/** What the runs that loop are measured against: small ones, all alike. */
export const USUAL: readonly (readonly Call[])[] = Array.from({ length: 10 }, () =>
  times(6, (index) => ({
    tool: 'read_file',
    effect: 'read',
    arguments: { n: `${index}` },
    says: `text ${index}`,
  })),
);

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
];

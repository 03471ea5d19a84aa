import { UNMEASURED } from './approval.ts';
import { effectVector } from './effect.ts';
import type { Measured } from './proposal.ts';

/** What a read has done: it took rows, and changed none. */
export function measuredRead(rowsRead: number): Measured {
  return {
    effect: effectVector({ calls: 1, rowsRead }),
    byTable: [],
    images: [],
    imagesComplete: true,
    preState: UNMEASURED,
  };
}

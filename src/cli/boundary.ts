import { stat } from 'node:fs/promises';
import type { Call } from './command.ts';

/** True when what is started here could read the key of the data directory here: same user, or root. */
export async function sharesKeyWithAgent({
  io,
  home,
}: Pick<Call, 'io' | 'home'>): Promise<boolean> {
  const known = await stat(home.data).catch(() => null);
  if (known === null || io.uid === null) return false;
  return io.uid === 0 || known.uid === io.uid;
}

/** After the gateway has ended: does its ledger hold, and has every effect at the targets an intent in it. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { loadMasterKey } from '../../src/credentials/master-key.ts';
import { digestOf } from '../../src/domain/digest.ts';
import { realDoors } from '../../src/doors.ts';
import { verifyStore } from '../../src/store/sqlite/evidence.ts';
import { DATABASE_FILE } from '../../src/store/sqlite/lock.ts';

export interface Evidence {
  readonly effects: number;
  /** Tool and text of every effect beyond the number of its intents. */
  readonly withoutIntent: readonly string[];
  readonly problems: number;
}

const INTENTS = `SELECT count(*) AS times FROM actions
  WHERE tool = ? AND arguments_digest = ? AND purpose = 'execute'
  AND state NOT IN ('denied', 'drafted', 'parked')`;

export async function readEvidence(
  directory: string,
  writes: ReadonlyMap<string, number>,
): Promise<Evidence> {
  const masterKey = await loadMasterKey(directory, realDoors().entropy);
  const { problems } = await verifyStore({ directory, masterKey });
  const database = new DatabaseSync(join(directory, DATABASE_FILE), { readOnly: true });
  const intents = database.prepare(INTENTS);
  const withoutIntent: string[] = [];
  let effects = 0;
  for (const [key, times] of writes) {
    effects += times;
    const [tool = '', ...words] = key.split(' ');
    const row = intents.get(tool, digestOf('arguments', { text: words.join(' ') }));
    for (let extra = Number(row?.times ?? 0); extra < times; extra++) withoutIntent.push(key);
  }
  database.close();
  return { effects, withoutIntent, problems: problems.length };
}

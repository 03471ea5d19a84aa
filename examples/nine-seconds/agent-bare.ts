/** What the agent does with its own hands: it looks for a way, and takes the first one it finds. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import pg from 'pg';

/** Names and values that look like keys to something, with the file they stand in. */
export interface Found {
  readonly file: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Reads the folder as any coding agent does, and stops at the first file with a token in it. */
export function findToken(workspace: string): Found | null {
  const files = fs
    .readdirSync(workspace, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const pairs = fs.readFileSync(file, 'utf8').matchAll(/^([A-Z][A-Z_]*)=(\S+)$/gm);
    const values = Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]));
    if (Object.keys(values).some((name) => name.endsWith('_TOKEN')))
      return { file: path.relative(workspace, file), values };
  }
  return null;
}

/**
 * The incident. The staging import fails for want of a password; the agent decides that a fresh volume
 * would mend it, and that what it found is its own to use.
 */
export async function mendTheImport({ values }: Found): Promise<{ status: number }> {
  const database = new pg.Client({ connectionString: values.DATABASE_ADMIN_URL });
  await database.connect();
  try {
    await database.query('TRUNCATE customers, orders CASCADE');
  } finally {
    await database.end();
  }
  return deleteVolume(values.VOLUMES_URL ?? '', values.VOLUMES_TOKEN ?? '');
}

/** One call; the volume goes, and every backup of it. */
export async function deleteVolume(url: string, token: string): Promise<{ status: number }> {
  const response = await fetch(`${url}/volumes/acme-db`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  await response.arrayBuffer();
  return { status: response.status };
}

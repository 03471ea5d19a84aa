import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../../examples/acme/postgres.ts';
import { MIGRATIONS } from './all.ts';

describe('the schema in PostgreSQL', () => {
  let server: AcmePostgres;
  before(async () => {
    server = await startPostgres({ durable: false });
    await server.createDatabase('steps');
  });
  after(() => server.stop());

  test('an owner of a schema who is nobody else makes all of it', async () => {
    await server.query(
      `CREATE ROLE plain LOGIN; CREATE SCHEMA plain AUTHORIZATION plain`,
      [],
      'steps',
    );
    const steps = MIGRATIONS.map(({ postgres }) => postgres).join('\n');
    await server.query(
      `SET ROLE plain; SET search_path = plain; ${steps}; RESET ROLE`,
      [],
      'steps',
    );
    const { rows } = await server.query<{ n: string }>(
      `SELECT count(*) AS n FROM pg_class WHERE relnamespace = 'plain'::regnamespace AND relkind = 'r'
       AND relowner = 'plain'::regrole`,
      [],
      'steps',
    );
    assert.ok(Number(rows[0]?.n) >= 14, rows[0]?.n);
  });

  test('events are only ever appended', async () => {
    const event = `INSERT INTO plain.events (chain, seq, at, type, body, previous, hash)
      VALUES ('c', 1, 0, 'a', '{}', '', '')`;
    await server.query(event, [], 'steps');
    for (const sql of [
      'UPDATE plain.events SET at = 1',
      'DELETE FROM plain.events',
      'TRUNCATE plain.events',
    ])
      await assert.rejects(server.query(sql, [], 'steps'), /only ever appended/, sql);
    await assert.rejects(server.query(event, [], 'steps'), { code: '23505' });
  });
});

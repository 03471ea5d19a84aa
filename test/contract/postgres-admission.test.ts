/**
 * A spike that proves the batch interface fits PostgreSQL: many admissions in one round trip and one commit, each
 * refused by itself, from several replicas at once. The real store takes its shape from this one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';

/**
 * Locks first, in one order for everybody (control, runs by id, limits by key), so that replicas queue and never
 * deadlock; then each op on its own. The control row is locked shared: a halt waits for the batches before it, and
 * every batch after it sees it.
 */
const SCHEMA = `
CREATE TABLE control (halt bigint NOT NULL, bundle text NOT NULL);
INSERT INTO control VALUES (0, 'none');
CREATE TABLE runs (id text PRIMARY KEY, live boolean NOT NULL, seq bigint NOT NULL);
CREATE TABLE usage (key text PRIMARY KEY, posted bigint NOT NULL, pending bigint NOT NULL);
CREATE TABLE events (chain text, seq bigint, id text UNIQUE, halt bigint, PRIMARY KEY (chain, seq));

CREATE FUNCTION admit(ops jsonb) RETURNS TABLE (place bigint, because text) LANGUAGE plpgsql AS $$
DECLARE
  now_in_force control;
  op jsonb;
  run runs;
BEGIN
  SELECT * INTO now_in_force FROM control FOR SHARE;
  PERFORM FROM runs WHERE id IN (SELECT o->>'run' FROM jsonb_array_elements(ops) o)
    ORDER BY id FOR UPDATE;
  INSERT INTO usage SELECT DISTINCT r->>'key', 0, 0
    FROM jsonb_array_elements(ops) o, jsonb_array_elements(o->'reservations') r ORDER BY 1
    ON CONFLICT DO NOTHING;
  PERFORM FROM usage WHERE key IN (SELECT r->>'key'
    FROM jsonb_array_elements(ops) o, jsonb_array_elements(o->'reservations') r)
    ORDER BY key FOR UPDATE;
  FOR op, place IN SELECT * FROM jsonb_array_elements(ops) WITH ORDINALITY LOOP
    because := NULL;
    SELECT * INTO run FROM runs WHERE id = op->>'run';
    IF run.live IS NOT TRUE THEN because := 'run-over';
    ELSIF (op->>'halt')::bigint <> now_in_force.halt THEN because := 'stale';
    ELSIF EXISTS (SELECT FROM jsonb_array_elements(op->'reservations') r
        JOIN usage u ON u.key = r->>'key'
        WHERE u.posted + u.pending + (r->>'amount')::bigint > (r->>'limit')::bigint) THEN
      because := 'short';
    ELSE
      UPDATE usage u SET pending = u.pending + (r->>'amount')::bigint
        FROM jsonb_array_elements(op->'reservations') r WHERE u.key = r->>'key';
      UPDATE runs SET seq = seq + 1 WHERE id = run.id;
      INSERT INTO events VALUES (run.id, run.seq + 1, op->>'id', (op->>'halt')::bigint);
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;`;

interface Admission {
  readonly id: string;
  readonly run: string;
  readonly halt: number;
  readonly reservations: readonly { key: string; amount: number; limit: number }[];
}

/** One replica: whatever waits when the last statement ends goes into the next one. */
class Replica {
  readonly #client: pg.Client;
  #waiting: { op: Admission; resolve(because: string | null): void }[] = [];
  #isSending = false;
  statements = 0;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  admit(op: Admission): Promise<string | null> {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#waiting.push({ op, resolve });
    if (!this.#isSending) queueMicrotask(() => this.#send());
    this.#isSending = true;
    return promise;
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.splice(0, 256);
    this.statements++;
    const text = JSON.stringify(batch.map(({ op }) => op));
    const { rows } = await this.#client.query<{ because: string | null }>({
      name: 'admit',
      text: 'SELECT because FROM admit($1) ORDER BY place',
      values: [text],
    });
    for (const [index, { resolve }] of batch.entries()) resolve(rows[index]?.because ?? null);
    this.#isSending = this.#waiting.length > 0;
    if (this.#isSending) await this.#send();
  }
}

describe('admission in batches on PostgreSQL', () => {
  let server: AcmePostgres;
  let clients: pg.Client[] = [];
  let replicas: Replica[] = [];

  before(async () => {
    server = await startPostgres({ durable: false });
    await server.query(SCHEMA);
    await server.query(
      `INSERT INTO runs SELECT 'run_' || n, n < 9, 0 FROM generate_series(0, 9) n`,
    );
    clients = [0, 1].map(() => new pg.Client({ connectionString: server.url }));
    await Promise.all(clients.map((client) => client.connect()));
    replicas = clients.map((client) => new Replica(client));
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await server.stop();
  });

  const op = (id: string, run: number, amount = 1, limit = 1_000_000, halt = 0): Admission => ({
    id,
    run: `run_${run}`,
    halt,
    reservations: [
      { key: 'hot', amount, limit },
      { key: `run:${run}`, amount, limit: 1_000_000 },
    ],
  });
  const usage = async (key: string): Promise<number> =>
    Number(
      (await server.query('SELECT pending FROM usage WHERE key = $1', [key])).rows[0]?.pending,
    );

  test('each op of a batch is refused by itself, in order', async () => {
    const [replica] = replicas;
    const answers = await Promise.all(
      [op('a', 0, 3, 5), op('b', 9), op('c', 1, 3, 5), op('d', 1, 1, 5, 7), op('e', 1, 2, 5)].map(
        (one) => replica?.admit(one),
      ),
    );
    assert.deepEqual(answers, [null, 'run-over', 'short', 'stale', null]);
    assert.equal(replica?.statements, 1);
    assert.equal(await usage('hot'), 5);
    assert.equal(await usage('run:1'), 2);
  });

  test('two replicas never pass a hot limit, and chains have no gap and no fork', async () => {
    const LIMIT = 505;
    const N = 600;
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: N }, (_, n) =>
        replicas[n % 2]?.admit(op(`r${n}`, n % 7, 1 + (n % 3), LIMIT)),
      ),
    );
    const ms = performance.now() - started;
    const spent = answers.reduce(
      (sum, because, n) => sum + (because === null ? 1 + (n % 3) : 0),
      5,
    );
    assert.equal(await usage('hot'), spent, 'what was acknowledged is what is reserved');
    assert.ok(spent <= LIMIT && spent > LIMIT - 3, `${spent} of ${LIMIT}`);
    assert.ok(answers.some((because) => because === 'short'));
    const { rows } = await server.query<{ n: string; last: string }>(
      'SELECT count(*) AS n, max(seq) AS last FROM events GROUP BY chain',
    );
    for (const { n, last } of rows) assert.equal(n, last);
    const statements = replicas.reduce((sum, replica) => sum + replica.statements, 0);
    assert.ok(statements < 20, `${N} admissions took ${statements} statements in ${ms} ms`);
  });

  test('a halt waits for the batches before it and stops those after it', async () => {
    const flood = Array.from({ length: 300 }, (_, n) => replicas[n % 2]?.admit(op(`h${n}`, n % 7)));
    const halt = server.query('UPDATE control SET halt = halt + 1');
    let halted = false;
    const late = halt.then(() => {
      halted = true;
      return Promise.all(replicas.map((replica, n) => replica.admit(op(`late${n}`, n))));
    });
    const answers = await Promise.all(flood);
    assert.deepEqual(await late, ['stale', 'stale']);
    assert.ok(halted);
    const kept = (await server.query(`SELECT id FROM events WHERE id LIKE 'h%'`)).rows.length;
    assert.equal(answers.filter((because) => because === null).length, kept);
  });
});

import { EMPTY } from '../../ledger/chain.ts';
import type { ChainWrites } from './chains.ts';
import type { TableWrites } from './picture.ts';
import type { Session, Statement } from './session.ts';

const RECORDS = {
  name: 'records',
  text: `INSERT INTO events (chain, seq, at, type, body, previous, hash) SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])`,
};
const PAYLOADS = {
  name: 'payloads',
  text: `INSERT INTO payloads (chain, seq, sealed)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])`,
};
const NEW_KEYS = {
  name: 'new-keys',
  text: 'INSERT INTO chain_keys (chain, wrapped) SELECT * FROM unnest($1::text[], $2::bytea[])',
};
const NEW_HEADS = {
  name: 'new-heads',
  text: `INSERT INTO chain_heads (chain, seq, hash)
    SELECT chain, 0, $2 FROM unnest($1::text[]) AS begun (chain)`,
};
const HEADS = {
  name: 'move-heads',
  text: `UPDATE chain_heads SET seq = moved.seq, hash = moved.hash
    FROM unnest($1::text[], $2::bigint[], $3::text[]) AS moved (chain, seq, hash)
    WHERE chain_heads.chain = moved.chain`,
};
const ACTIONS = {
  name: 'actions',
  text: `INSERT INTO actions (id, run_id, root, tool, tool_digest, connection, arguments_digest,
      purpose, state, halt, bundle, approval_id, lease_id, reservations, at, replica)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
      $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[],
      $14::text[], $15::bigint[], $16::text[])`,
};
/** An action that changes twice in one batch is two statements: of two rows for one target only one would count. */
const CHANGES = {
  name: 'changes',
  text: `UPDATE actions SET state = coalesce(become.state, actions.state),
      settled_at = coalesce(become.settled_at, actions.settled_at),
      lease_id = coalesce(become.lease_id, actions.lease_id),
      trace = CASE WHEN become.erased THEN NULL ELSE coalesce(become.trace, actions.trace) END
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::boolean[])
      AS become (id, state, settled_at, trace, lease_id, erased)
    WHERE actions.id = become.id`,
};
const USED = {
  name: 'used',
  text: `UPDATE approvals SET state = 'used', used_by = use.action
    FROM unnest($1::text[], $2::text[]) AS use (id, action) WHERE approvals.id = use.id`,
};
const USAGE = {
  name: 'draw',
  text: `UPDATE usage SET posted = now.posted, pending = now.pending
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
      AS now (key, dimension, posted, pending)
    WHERE usage.key = now.key AND usage.dimension = now.dimension`,
};
const COUNTS = {
  name: 'counts',
  text: `UPDATE runs SET actions = runs.actions + more.actions, refused = runs.refused + more.refused
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS more (run, actions, refused)
    WHERE runs.id = more.run`,
};

/** Sends everything that a batch has gathered; each kind of row is one statement, whatever their number. */
export function writeAll(
  session: Session,
  chains: ChainWrites,
  tables: TableWrites,
): Promise<number>[] {
  const sent: Promise<number>[] = [];
  const send = (statement: Statement, values: readonly (readonly unknown[])[]): void => {
    if (values.length > 0) sent.push(session.run(statement, transposed(values)));
  };
  sendChains(session, chains, sent, send);
  send(
    ACTIONS,
    tables.actions.map(({ record, ...row }) => [
      record.id,
      record.runId,
      record.root,
      record.tool,
      record.toolDigest,
      record.connection,
      row.argumentsDigest,
      record.purpose,
      row.state,
      row.halt,
      row.bundle,
      row.approvalId,
      row.leaseId,
      row.reservations,
      row.at,
      row.replica,
    ]),
  );
  for (const round of rounds(tables.changes))
    send(
      CHANGES,
      round.map((one) => [one.id, one.state, one.settledAt, one.trace, one.leaseId, one.isErased]),
    );
  send(
    USED,
    tables.used.map(({ id, actionId }) => [id, actionId]),
  );
  send(
    USAGE,
    tables.usage.map((row) => [row.key, row.dimension, row.posted, row.pending]),
  );
  send(COUNTS, tables.counts);
  return sent;
}

function sendChains(
  session: Session,
  { records, heads, keys }: ChainWrites,
  sent: Promise<number>[],
  send: (statement: Statement, values: readonly (readonly unknown[])[]) => void,
): void {
  send(
    NEW_KEYS,
    keys.map(({ chain, wrapped }) => [chain, Buffer.from(wrapped)]),
  );
  if (keys.length > 0)
    sent.push(session.run(NEW_HEADS, [keys.map(({ chain }) => chain), EMPTY.hash]));
  send(
    RECORDS,
    records.map(({ event: e }) => [e.chain, e.seq, e.at, e.type, e.body, e.previous, e.hash]),
  );
  send(
    PAYLOADS,
    records.flatMap(({ event, sealed }) =>
      sealed === null ? [] : [[event.chain, event.seq, Buffer.from(sealed)]],
    ),
  );
  send(
    HEADS,
    heads.map(({ chain, head }) => [chain, head.seq, head.hash]),
  );
}

/** In each round every id once, in order. */
function rounds<T extends { readonly id: string }>(changes: readonly T[]): T[][] {
  const all: T[][] = [];
  const turn = new Map<string, number>();
  for (const change of changes) {
    const number = turn.get(change.id) ?? 0;
    turn.set(change.id, number + 1);
    const round = all[number] ?? [];
    round.push(change);
    all[number] = round;
  }
  return all;
}

function transposed(rows: readonly (readonly unknown[])[]): unknown[][] {
  const width = rows[0]?.length ?? 0;
  return Array.from({ length: width }, (_, column) => rows.map((row) => row[column]));
}

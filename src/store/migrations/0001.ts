import type { Migration } from './migration.ts';

/**
 * The first schema. `events` is the truth; every other table is folded from it or stands beside it (payloads, keys,
 * bundles, secrets). No free text and no argument of a run lies outside `payloads`, so that erasing a run is one key.
 */
export const migration0001: Migration = {
  number: 1,
  name: 'the spine',
  breaking: false,
  sqlite: `
CREATE TABLE control (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ledger TEXT NOT NULL,
  key_check TEXT NOT NULL,
  halt INTEGER NOT NULL CHECK (halt >= 0),
  bundle TEXT NOT NULL
) STRICT;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (chain, seq)
) STRICT;
CREATE TRIGGER events_keep_update BEFORE UPDATE ON events
  BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;
CREATE TRIGGER events_keep_delete BEFORE DELETE ON events
  BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;

CREATE TABLE payloads (
  id INTEGER PRIMARY KEY REFERENCES events (id),
  sealed BLOB NOT NULL
) STRICT;
CREATE TABLE chain_keys (
  chain TEXT PRIMARY KEY,
  wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bundles (
  digest TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  root TEXT NOT NULL,
  parent TEXT REFERENCES runs (id),
  depth INTEGER NOT NULL CHECK (depth >= 0),
  agent TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'ended')),
  started_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  budget TEXT NOT NULL,
  actions INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  erased INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_live ON runs (id) WHERE state = 'live';

CREATE TABLE actions (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  root TEXT NOT NULL,
  tool TEXT NOT NULL,
  tool_digest TEXT NOT NULL,
  connection TEXT NOT NULL,
  arguments_digest TEXT,
  purpose TEXT NOT NULL CHECK (purpose IN ('execute', 'preview')),
  state TEXT NOT NULL CHECK (state IN
    ('open', 'running', 'done', 'failed', 'refused', 'unknown', 'denied', 'drafted', 'parked')),
  halt INTEGER,
  bundle TEXT,
  approval_id TEXT,
  lease_id TEXT,
  reservations TEXT NOT NULL,
  trace TEXT,
  at INTEGER NOT NULL,
  settled_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX actions_unsettled ON actions (at) WHERE state IN ('open', 'running');
CREATE INDEX actions_unknown ON actions (root, tool, arguments_digest)
  WHERE state IN ('unknown', 'running');

CREATE TABLE usage (
  key TEXT NOT NULL,
  dimension TEXT NOT NULL,
  posted INTEGER NOT NULL CHECK (posted >= 0),
  pending INTEGER NOT NULL CHECK (pending >= 0),
  PRIMARY KEY (key, dimension)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  action_id TEXT NOT NULL REFERENCES actions (id),
  agent TEXT NOT NULL,
  tool TEXT NOT NULL,
  tool_digest TEXT NOT NULL,
  connection TEXT NOT NULL,
  arguments_digest TEXT,
  ask_key TEXT,
  binding TEXT NOT NULL,
  digest TEXT NOT NULL,
  halt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'used', 'refused', 'void')),
  asked_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  answered_by TEXT,
  answered_at INTEGER,
  used_by TEXT,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_open ON approvals (ask_key, asked_at)
  WHERE state IN ('pending', 'approved', 'refused');
CREATE INDEX approvals_by_run ON approvals (run_id, state);
CREATE INDEX approvals_by_asked ON approvals (asked_at);

CREATE TABLE halts (
  epoch INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  reason TEXT NOT NULL,
  raised_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('gated', 'inert', 'lifted'))
) STRICT;
CREATE INDEX halts_in_force ON halts (epoch) WHERE state <> 'lifted';

CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  connection TEXT NOT NULL,
  issuer TEXT NOT NULL,
  handle TEXT NOT NULL,
  revocability TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('minting', 'live', 'revoking', 'dead', 'residual')),
  minted_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_by_run ON leases (run_id);
CREATE INDEX leases_alive ON leases (state) WHERE state IN ('minting', 'live', 'revoking');

CREATE TABLE tokens (
  hash TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('run', 'agent', 'operator', 'session', 'setup')),
  subject TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_in_use ON tokens (kind, subject) WHERE revoked = 0;

CREATE TABLE operators (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('owner', 'operator')),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  sealed TEXT NOT NULL,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  postgres: `
CREATE TABLE control (
  id smallint PRIMARY KEY CHECK (id = 1),
  ledger text NOT NULL,
  key_check text NOT NULL,
  halt bigint NOT NULL CHECK (halt >= 0),
  bundle text NOT NULL
);

CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  chain text COLLATE "C" NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  at bigint NOT NULL,
  type text NOT NULL,
  body text NOT NULL,
  previous text NOT NULL,
  hash text NOT NULL,
  UNIQUE (chain, seq)
);
CREATE FUNCTION events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'events are only ever appended'; END $$;
CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION events_keep();

CREATE TABLE payloads (
  chain text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (chain, seq)
);
CREATE TABLE chain_keys (
  chain text COLLATE "C" PRIMARY KEY,
  wrapped bytea NOT NULL
);
CREATE TABLE chain_heads (
  chain text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL,
  hash text NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE bundles (
  digest text COLLATE "C" PRIMARY KEY,
  body text NOT NULL,
  applied_at bigint NOT NULL
);

CREATE TABLE runs (
  id text COLLATE "C" PRIMARY KEY,
  root text COLLATE "C" NOT NULL,
  parent text COLLATE "C" REFERENCES runs (id),
  depth integer NOT NULL CHECK (depth >= 0),
  agent text COLLATE "C" NOT NULL,
  state text NOT NULL CHECK (state IN ('live', 'ended')),
  started_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ended_at bigint,
  budget text NOT NULL,
  actions bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,
  erased smallint NOT NULL DEFAULT 0 CHECK (erased IN (0, 1))
) WITH (fillfactor = 70);
CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_live ON runs (id) WHERE state = 'live';

CREATE TABLE actions (
  id text COLLATE "C" PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
  root text COLLATE "C" NOT NULL,
  tool text COLLATE "C" NOT NULL,
  tool_digest text NOT NULL,
  connection text COLLATE "C" NOT NULL,
  arguments_digest text COLLATE "C",
  purpose text NOT NULL CHECK (purpose IN ('execute', 'preview')),
  state text NOT NULL CHECK (state IN
    ('open', 'running', 'done', 'failed', 'refused', 'unknown', 'denied', 'drafted', 'parked')),
  halt bigint,
  bundle text,
  approval_id text,
  lease_id text,
  reservations text NOT NULL,
  trace text,
  at bigint NOT NULL,
  settled_at bigint
);
CREATE INDEX actions_unsettled ON actions (at) WHERE state IN ('open', 'running');
CREATE INDEX actions_unknown ON actions (root, tool, arguments_digest)
  WHERE state IN ('unknown', 'running');

CREATE TABLE usage (
  key text COLLATE "C" NOT NULL,
  dimension text COLLATE "C" NOT NULL,
  posted bigint NOT NULL CHECK (posted >= 0),
  pending bigint NOT NULL CHECK (pending >= 0),
  PRIMARY KEY (key, dimension)
) WITH (fillfactor = 50);

CREATE TABLE approvals (
  id text COLLATE "C" PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
  action_id text COLLATE "C" NOT NULL REFERENCES actions (id),
  agent text COLLATE "C" NOT NULL,
  tool text COLLATE "C" NOT NULL,
  tool_digest text NOT NULL,
  connection text COLLATE "C" NOT NULL,
  arguments_digest text COLLATE "C",
  ask_key text COLLATE "C",
  binding text NOT NULL,
  digest text NOT NULL,
  halt bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'approved', 'used', 'refused', 'void')),
  asked_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  answered_by text,
  answered_at bigint,
  used_by text,
  seq bigint NOT NULL
);
CREATE INDEX approvals_open ON approvals (ask_key, asked_at)
  WHERE state IN ('pending', 'approved', 'refused');
CREATE INDEX approvals_by_run ON approvals (run_id, state);
CREATE INDEX approvals_by_asked ON approvals (asked_at);

CREATE TABLE halts (
  epoch bigint PRIMARY KEY,
  scope text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  raised_by text NOT NULL,
  at bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('gated', 'inert', 'lifted'))
);
CREATE INDEX halts_in_force ON halts (epoch) WHERE state <> 'lifted';

CREATE TABLE leases (
  id text COLLATE "C" PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL,
  agent text COLLATE "C" NOT NULL,
  connection text COLLATE "C" NOT NULL,
  issuer text NOT NULL,
  handle text NOT NULL,
  revocability text NOT NULL,
  state text NOT NULL CHECK (state IN ('minting', 'live', 'revoking', 'dead', 'residual')),
  minted_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX leases_by_run ON leases (run_id);
CREATE INDEX leases_alive ON leases (state) WHERE state IN ('minting', 'live', 'revoking');

CREATE TABLE tokens (
  hash text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('run', 'agent', 'operator', 'session', 'setup')),
  subject text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  revoked smallint NOT NULL CHECK (revoked IN (0, 1))
);
CREATE INDEX tokens_in_use ON tokens (kind, subject) WHERE revoked = 0;

CREATE TABLE operators (
  name text COLLATE "C" PRIMARY KEY,
  role text NOT NULL CHECK (role IN ('owner', 'operator')),
  at bigint NOT NULL
);

CREATE TABLE secrets (
  name text COLLATE "C" PRIMARY KEY,
  sealed text NOT NULL,
  version bigint NOT NULL,
  at bigint NOT NULL
);

CREATE TABLE replicas (
  id text COLLATE "C" PRIMARY KEY,
  heard_at timestamptz NOT NULL,
  landed bigint NOT NULL
) WITH (fillfactor = 20);
`,
};

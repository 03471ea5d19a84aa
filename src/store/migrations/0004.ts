import type { Migration } from './migration.ts';

/**
 * The tree over the records, in tiles (ledger/tiles.ts), the key that signs it, and the newest checkpoint. Guards of the
 * database: tiles only grow, and what was signed is neither taken back nor signed otherwise. In SQLite record number
 * `id` of `events` is leaf `id` − 1: one writer gives the numbers, in the order of its commits and without gaps. In
 * PostgreSQL numbers are given before the commit and become visible out of order: what waits is a table of its own,
 * filled by the very statement that records, and the sealer gives the leaf its number (`leaves`).
 */
export const migration0004: Migration = {
  number: 4,
  name: 'the sealed ledger',
  breaking: false,
  sqlite: `
CREATE TABLE tree (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  verifier TEXT NOT NULL,
  signer BLOB NOT NULL,
  size INTEGER NOT NULL CHECK (size >= signed_size),
  signed_size INTEGER NOT NULL,
  signed_root TEXT NOT NULL,
  checkpoint TEXT,
  signed_at INTEGER
) STRICT;
CREATE TRIGGER tree_keep_update BEFORE UPDATE ON tree
  WHEN NEW.size < OLD.size OR NEW.signed_size < OLD.signed_size OR NEW.verifier <> OLD.verifier
    OR (NEW.signed_size = OLD.signed_size AND NEW.signed_root <> OLD.signed_root)
  BEGIN SELECT RAISE(ABORT, 'what was sealed stays sealed'); END;
CREATE TRIGGER tree_keep_delete BEFORE DELETE ON tree
  BEGIN SELECT RAISE(ABORT, 'what was sealed stays sealed'); END;

CREATE TABLE tiles (
  level INTEGER NOT NULL CHECK (level >= 0),
  place INTEGER NOT NULL CHECK (place >= 0),
  hashes BLOB NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  PRIMARY KEY (level, place)
) STRICT;
CREATE TRIGGER tiles_keep_update BEFORE UPDATE ON tiles
  WHEN NEW.level <> OLD.level OR NEW.place <> OLD.place
    OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes
  BEGIN SELECT RAISE(ABORT, 'tiles only grow'); END;
CREATE TRIGGER tiles_keep_delete BEFORE DELETE ON tiles
  BEGIN SELECT RAISE(ABORT, 'tiles only grow'); END;
`,
  postgres: `
CREATE TABLE tree (
  id smallint PRIMARY KEY CHECK (id = 1),
  verifier text NOT NULL,
  signer bytea NOT NULL,
  size bigint NOT NULL CHECK (size >= signed_size),
  signed_size bigint NOT NULL,
  signed_root text NOT NULL,
  checkpoint text,
  signed_at bigint
);
CREATE FUNCTION tree_keep() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'UPDATE' AND NEW.size >= OLD.size AND NEW.signed_size >= OLD.signed_size
      AND NEW.verifier = OLD.verifier
      AND (NEW.signed_size > OLD.signed_size OR NEW.signed_root = OLD.signed_root)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'what was sealed stays sealed' USING ERRCODE = '23000';
  END $$;
CREATE TRIGGER tree_keep BEFORE UPDATE OR DELETE ON tree
  FOR EACH ROW EXECUTE FUNCTION tree_keep();

CREATE TABLE tiles (
  level integer NOT NULL CHECK (level >= 0),
  place bigint NOT NULL CHECK (place >= 0),
  hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  PRIMARY KEY (level, place)
);
CREATE FUNCTION tiles_keep() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'UPDATE' AND NEW.level = OLD.level AND NEW.place = OLD.place
      AND substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'tiles only grow' USING ERRCODE = '23000';
  END $$;
CREATE TRIGGER tiles_keep BEFORE UPDATE OR DELETE ON tiles
  FOR EACH ROW EXECUTE FUNCTION tiles_keep();

CREATE TABLE leaves (
  leaf bigint PRIMARY KEY CHECK (leaf >= 0),
  event bigint NOT NULL UNIQUE
);
CREATE FUNCTION leaves_keep() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'what was sealed stays sealed' USING ERRCODE = '23000'; END $$;
CREATE TRIGGER leaves_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON leaves
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_keep();

CREATE TABLE unsealed (event bigint PRIMARY KEY);
INSERT INTO unsealed SELECT id FROM events;
CREATE FUNCTION events_wait() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN INSERT INTO unsealed SELECT id FROM recorded; RETURN NULL; END $$;
CREATE TRIGGER events_wait AFTER INSERT ON events REFERENCING NEW TABLE AS recorded
  FOR EACH STATEMENT EXECUTE FUNCTION events_wait();
`,
};

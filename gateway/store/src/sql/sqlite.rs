//! The dialect of SQLite.
//!
//! Lists come in as one bound value each, so that the text of a statement never depends on how long they
//! are: numbers as JSON, rows as records of decimal digits of fixed width, which `substr` and `CAST` take
//! apart faster than as many bound parameters would be.

statements! {
LAYOUT = "PRAGMA user_version";
BEGIN = "BEGIN IMMEDIATE";
COMMIT = "COMMIT";
/// For readers that need several statements to speak of one moment.
BEGIN_READING = "BEGIN DEFERRED";

RAISE_EPOCH = "UPDATE owner SET epoch = epoch + 1 RETURNING epoch";
EPOCH = "SELECT epoch FROM owner";
LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM journal";
LAST_USAGE = "SELECT coalesce(max(sequence), 0) FROM usage";
DIGEST = "SELECT digest FROM journal WHERE seq = $1";

/// What the writer's connection needs: a way to count, and a view that takes a whole commit as one row.
///
/// Statements are handed to the thread of a connection, and each one answered wakes somebody up. The trigger
/// makes one statement of a commit, which is a transaction by itself: the first part that fails undoes all.
/// Facts are forgotten one by one, because a list of pairs is not looked up in the index.
SESSION = "
CREATE TEMP TABLE line (i INTEGER PRIMARY KEY);
INSERT INTO line
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT i FROM n;

CREATE TEMP VIEW forgotten (kind, key) AS SELECT NULL, NULL;

CREATE TEMP TRIGGER fact_forgotten INSTEAD OF INSERT ON forgotten BEGIN
    DELETE FROM fact WHERE kind = NEW.kind AND key = NEW.key;
END;

CREATE TEMP VIEW batch (
    seq, at, first_accepted, digest, payload, epoch, hashes, contents, opens, touches, erase, close,
    usage, usage_count, override_index, override_data, override_count, first_sequence, fact_index,
    fact_data, fact_count, forgotten_index, forgotten_count, usage_rest
) AS SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

CREATE TEMP TRIGGER batch_written INSTEAD OF INSERT ON batch BEGIN
    INSERT INTO journal (seq, at, first_accepted, digest, payload, epoch)
    VALUES (NEW.seq, NEW.at, NEW.first_accepted, NEW.digest, NEW.payload,
            (SELECT epoch FROM owner WHERE epoch = NEW.epoch));

    INSERT INTO parties (seq, hashes) SELECT NEW.seq, NEW.hashes WHERE NEW.first_accepted IS NOT NULL;

    INSERT INTO open_batch (seq, contents) SELECT NEW.seq, NEW.contents WHERE NEW.opens;

    INSERT INTO touch (birth, seq) SELECT value, NEW.seq FROM json_each(NEW.touches);

    INSERT INTO content_override (message, birth, contents)
    SELECT
        CAST(substr(NEW.override_index, i * 38 + 1, 18) AS INTEGER),
        coalesce((SELECT seq FROM journal
                  WHERE first_accepted <= CAST(substr(NEW.override_index, i * 38 + 1, 18) AS INTEGER)
                  ORDER BY first_accepted DESC LIMIT 1), 0),
        substr(NEW.override_data, CAST(substr(NEW.override_index, i * 38 + 19, 10) AS INTEGER) + 1,
               CAST(substr(NEW.override_index, i * 38 + 29, 10) AS INTEGER))
    FROM line WHERE i < NEW.override_count
    ON CONFLICT (message) DO UPDATE SET contents = excluded.contents;

    UPDATE open_batch SET contents = NULL WHERE seq IN (SELECT value FROM json_each(NEW.erase));

    DELETE FROM open_batch WHERE seq IN (SELECT value FROM json_each(NEW.close));

    DELETE FROM content_override
    WHERE birth IN (SELECT value FROM json_each(NEW.erase) UNION ALL SELECT value FROM json_each(NEW.close));

    INSERT INTO usage (sequence, batch, message, leg, event, at, service, outcome, origin, channel, class, lane,
                       segments, octets, sender, recipient, cause, parent, charging_id)
    SELECT
        NEW.first_sequence + i,
        NEW.seq,
        CAST(substr(NEW.usage, i * 144 + 1, 18) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 19, 3) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 22, 1) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 23, 20) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 43, 1) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 44, 1) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 45, 5) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 50, 5) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 55, 1) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 56, 1) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 57, 5) AS INTEGER),
        CAST(substr(NEW.usage, i * 144 + 62, 10) AS INTEGER),
        nullif(CAST(substr(NEW.usage, i * 144 + 72, 19) AS INTEGER), 0),
        nullif(CAST(substr(NEW.usage, i * 144 + 91, 19) AS INTEGER), 0),
        CASE substr(NEW.usage, i * 144 + 110, 1)
            WHEN x'20' THEN NULL
            ELSE rtrim(CAST(substr(NEW.usage, i * 144 + 110, 25) AS TEXT))
        END,
        CASE substr(NEW.usage, i * 144 + 135, 1)
            WHEN x'20' THEN NULL
            ELSE nullif(CAST(substr(NEW.usage_rest,
                                    CAST(substr(NEW.usage, i * 144 + 135, 10) AS INTEGER) + 1, 4) AS INTEGER), 0) - 1
        END,
        CASE substr(NEW.usage, i * 144 + 135, 1)
            WHEN x'20' THEN NULL
            ELSE nullif(CAST(substr(NEW.usage_rest,
                                    CAST(substr(NEW.usage, i * 144 + 135, 10) AS INTEGER) + 15,
                                    CAST(substr(NEW.usage_rest,
                                                CAST(substr(NEW.usage, i * 144 + 135, 10) AS INTEGER) + 5,
                                                10) AS INTEGER)) AS TEXT), '')
        END
    FROM line WHERE i < NEW.usage_count;

    INSERT INTO fact (kind, key, value, expires_at)
    SELECT
        CAST(substr(NEW.fact_index, i * 53 + 1, 3) AS INTEGER),
        substr(NEW.fact_data, CAST(substr(NEW.fact_index, i * 53 + 4, 10) AS INTEGER) + 1,
               CAST(substr(NEW.fact_index, i * 53 + 14, 10) AS INTEGER)),
        substr(NEW.fact_data, CAST(substr(NEW.fact_index, i * 53 + 4, 10) AS INTEGER)
                               + CAST(substr(NEW.fact_index, i * 53 + 14, 10) AS INTEGER) + 1,
               CAST(substr(NEW.fact_index, i * 53 + 24, 10) AS INTEGER)),
        CASE substr(NEW.fact_index, i * 53 + 34, 1)
            WHEN x'20' THEN NULL
            ELSE CAST(substr(NEW.fact_index, i * 53 + 34, 20) AS INTEGER)
        END
    FROM line WHERE i < NEW.fact_count
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;

    INSERT INTO forgotten (kind, key)
    SELECT
        CAST(substr(NEW.forgotten_index, i * 53 + 1, 3) AS INTEGER),
        substr(NEW.fact_data, CAST(substr(NEW.forgotten_index, i * 53 + 4, 10) AS INTEGER) + 1,
               CAST(substr(NEW.forgotten_index, i * 53 + 14, 10) AS INTEGER))
    FROM line WHERE i < NEW.forgotten_count;
END";
/// A whole commit; see `sqlite/write.rs` for the values.
WRITE = "
INSERT INTO batch VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
    $23, $24
)";

FIRST_SEQ = "SELECT coalesce(min(seq), 0) FROM journal";
OPEN_BIRTHS = "SELECT seq FROM open_batch ORDER BY seq";
ROWS_AFTER = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";
ROWS = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE seq IN (SELECT value FROM json_each($1)) ORDER BY seq";
LAST_ACCEPTING = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE first_accepted IS NOT NULL ORDER BY first_accepted DESC LIMIT 1";
ACCEPTING = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE first_accepted < $1
  AND first_accepted >= coalesce((SELECT max(first_accepted) FROM journal WHERE first_accepted <= $2), 0)
ORDER BY first_accepted DESC LIMIT $3";
ACCEPTING_PARTY = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal JOIN parties USING (seq)
WHERE first_accepted < $1
  AND first_accepted >= coalesce((SELECT max(first_accepted) FROM journal WHERE first_accepted <= $2), 0)
  AND instr(hashes, $4) > 0
ORDER BY first_accepted DESC LIMIT $3";
BIRTH = "
SELECT seq FROM journal WHERE first_accepted <= $1 ORDER BY first_accepted DESC LIMIT 1";
TOUCHES = "
SELECT DISTINCT seq FROM touch WHERE birth IN (SELECT value FROM json_each($1)) ORDER BY seq";
CONTENTS = "
SELECT seq, contents FROM open_batch
WHERE seq IN (SELECT value FROM json_each($1)) AND contents IS NOT NULL ORDER BY seq";
OVERRIDES = "
SELECT birth, contents FROM content_override WHERE birth IN (SELECT value FROM json_each($1)) ORDER BY message";
USAGE = "
SELECT sequence, batch, rating, message, leg, event, at, service, outcome, origin, channel, class, lane,
       segments, octets, sender, recipient, cause, parent, charging_id
FROM usage WHERE sequence > $1 ORDER BY sequence LIMIT $2";
USAGE_OF_ORIGIN = "
SELECT sequence, batch, rating, message, leg, event, at, service, outcome, origin, channel, class, lane,
       segments, octets, sender, recipient, cause, parent, charging_id
FROM usage WHERE sequence > $1 AND origin = $3 ORDER BY sequence LIMIT $2";
FACTS = "SELECT kind, key, value, expires_at FROM fact ORDER BY kind, key";
CHANNELS = "SELECT id, name, kind FROM channel ORDER BY id";
CHANNEL = "SELECT id, name, kind FROM channel WHERE name = $1";
NEW_CHANNEL = "
INSERT INTO channel (id, name, kind) SELECT coalesce(max(id), 0) + 1, $1, $2 FROM channel WHERE true
ON CONFLICT (name) DO NOTHING";
NEW_SECRET = "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
SECRET = "SELECT value FROM secret WHERE name = $1";
SIZE = "
SELECT (SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM journal), (SELECT count(*) FROM open_batch),
       (SELECT coalesce(max(sequence), 0) FROM usage), (SELECT count(*) FROM fact)";

/// Up to where the journal may go: before everything that is open, that is younger, and before the last two
/// landmarks, the newest batch and the newest that accepted something.
PURGE_BELOW = "
SELECT min(seq) FROM (
    SELECT min(seq) AS seq FROM open_batch
    UNION ALL SELECT seq FROM (SELECT seq FROM journal WHERE at >= $1 ORDER BY seq LIMIT 1)
    UNION ALL SELECT max(seq) FROM journal
    UNION ALL SELECT seq FROM (SELECT seq FROM journal WHERE first_accepted IS NOT NULL
                               ORDER BY first_accepted DESC LIMIT 1)
) WHERE seq IS NOT NULL";
/// One helping: a long transaction would keep commits waiting.
PURGE_STEP = "
SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM journal WHERE seq < $1 ORDER BY seq LIMIT 256)";
PURGE_JOURNAL = "DELETE FROM journal WHERE seq <= $1";
PURGE_PARTIES = "DELETE FROM parties WHERE seq <= $1";
PURGE_TOUCHES = "DELETE FROM touch WHERE birth <= $1";
PURGE_FACTS = "
INSERT INTO forgotten SELECT kind, key FROM fact WHERE expires_at <= $1 LIMIT 1024";
EXPIRED_FACTS = "
SELECT count(*) FROM (SELECT 1 FROM fact WHERE expires_at <= $1 LIMIT 1024)";

/// Brings the log into the database without keeping anybody waiting.
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";
/// The same, and empties the log.
EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)";
}

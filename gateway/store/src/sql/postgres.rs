//! The dialect of PostgreSQL. Lists come in as arrays, so the text of a statement never depends on how long
//! they are.

statements! {
/// A number of ours, so that two processes do not climb the ladder at once.
LOCK_LAYOUT = "SELECT pg_advisory_xact_lock(7286345219)";
HAS_LAYOUT = "SELECT to_regclass('layout') IS NOT NULL";
NEW_LAYOUT = "CREATE TABLE layout (version BIGINT NOT NULL)";
LAYOUT = "SELECT coalesce(max(version), 0) FROM layout";
CLIMBED = "INSERT INTO layout VALUES ($1)";
/// For readers that need several statements to speak of one moment.
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

RAISE_EPOCH = "UPDATE owner SET epoch = epoch + 1 RETURNING epoch";
EPOCH = "SELECT epoch FROM owner";
/// Holds off whoever wants to become the owner until the transaction ends.
EPOCH_HELD = "SELECT epoch FROM owner FOR SHARE";
LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM journal";
LAST_USAGE = "SELECT coalesce(max(sequence), 0) FROM usage";
DIGEST = "SELECT digest FROM journal WHERE seq = $1";

/// A whole commit: one statement is one transaction and one round trip. Its parts do not see each other's
/// rows, so what comes and goes in the same batch is left out before; see `postgres/write.rs` for the values.
WRITE = "
WITH journaled AS (
    INSERT INTO journal (seq, at, first_accepted, digest, payload, epoch)
    SELECT $1, $2, $3, $4, $5, (SELECT epoch FROM owner WHERE epoch = $6 FOR SHARE)
), took_part AS (
    INSERT INTO parties (seq, hashes) SELECT $1, $7 WHERE $3 IS NOT NULL
), opened AS (
    INSERT INTO open_batch (seq, contents) SELECT $1, $8 WHERE $9
), touched AS (
    INSERT INTO touch (birth, seq) SELECT birth, $1 FROM unnest($10::bigint[]) AS birth
), overridden AS (
    INSERT INTO content_override (message, birth, contents)
    SELECT message, birth, contents FROM (
        SELECT new.message, new.contents,
               coalesce((SELECT seq FROM journal WHERE first_accepted <= new.message
                         ORDER BY first_accepted DESC LIMIT 1), 0) AS birth
        FROM unnest($13::bigint[], $14::bytea[]) AS new (message, contents)
    ) AS placed
    WHERE birth <> ALL ($11) AND birth <> ALL ($12)
    ON CONFLICT (message) DO UPDATE SET contents = excluded.contents
), erased AS (
    UPDATE open_batch SET contents = NULL WHERE seq = ANY ($11::bigint[])
), closed AS (
    DELETE FROM open_batch WHERE seq = ANY ($12::bigint[])
), not_overridden AS (
    DELETE FROM content_override WHERE birth = ANY ($11) OR birth = ANY ($12)
), charged AS (
    INSERT INTO usage (sequence, batch, message, leg, event, at, service, outcome, origin, channel, class, lane,
                       segments, octets, sender, recipient, cause, parent, charging_id)
    SELECT $15 + place - 1, $1, message, leg, event, at, service, outcome, origin, channel, class, lane,
           segments, octets, sender, recipient, cause, parent, charging_id
    FROM unnest($16::bigint[], $17::smallint[], $18::smallint[], $19::bigint[], $20::smallint[],
                $21::smallint[], $22::integer[], $23::integer[], $24::smallint[], $25::smallint[],
                $26::integer[], $27::bigint[],
                $28::bigint[], $29::bigint[], $30::text[], $37::smallint[], $38::text[]) WITH ORDINALITY
        AS new (message, leg, event, at, service, outcome, origin, channel, class, lane, segments, octets,
                sender, recipient, cause, parent, charging_id, place)
), learned AS (
    INSERT INTO fact (kind, key, value, expires_at)
    SELECT kind, key, value, expires_at
    FROM unnest($31::smallint[], $32::bytea[], $33::bytea[], $34::bigint[])
        AS new (kind, key, value, expires_at)
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
), forgotten AS (
    DELETE FROM fact USING unnest($35::smallint[], $36::bytea[]) AS old (kind, key)
    WHERE fact.kind = old.kind AND fact.key = old.key
)
SELECT 1";

FIRST_SEQ = "SELECT coalesce(min(seq), 0) FROM journal";
OPEN_BIRTHS = "SELECT seq FROM open_batch ORDER BY seq";
ROWS_AFTER = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";
ROWS = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE seq = ANY ($1) ORDER BY seq";
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
  AND position($4 IN hashes) > 0
ORDER BY first_accepted DESC LIMIT $3";
BIRTH = "
SELECT seq FROM journal WHERE first_accepted <= $1 ORDER BY first_accepted DESC LIMIT 1";
TOUCHES = "
SELECT DISTINCT seq FROM touch WHERE birth = ANY ($1) ORDER BY seq";
CONTENTS = "
SELECT seq, contents FROM open_batch
WHERE seq = ANY ($1) AND contents IS NOT NULL ORDER BY seq";
OVERRIDES = "
SELECT birth, contents FROM content_override WHERE birth = ANY ($1) ORDER BY message";
USAGE = "
SELECT sequence, batch, rating::bigint, message, leg::bigint, event::bigint, at, service::bigint,
       outcome::bigint, origin::bigint, channel::bigint, class::bigint, lane::bigint, segments::bigint, octets,
       sender, recipient, cause, parent::bigint, charging_id
FROM usage WHERE sequence > $1 ORDER BY sequence LIMIT $2";
USAGE_OF_ORIGIN = "
SELECT sequence, batch, rating::bigint, message, leg::bigint, event::bigint, at, service::bigint,
       outcome::bigint, origin::bigint, channel::bigint, class::bigint, lane::bigint, segments::bigint, octets,
       sender, recipient, cause, parent::bigint, charging_id
FROM usage WHERE sequence > $1 AND origin = $3 ORDER BY sequence LIMIT $2";
FACTS = "SELECT kind::bigint, key, value, expires_at FROM fact ORDER BY kind, key";
CHANNELS = "SELECT id::bigint, name, kind FROM channel ORDER BY id";
CHANNEL = "SELECT id::bigint, name, kind FROM channel WHERE name = $1";
NEW_CHANNEL = "
INSERT INTO channel (id, name, kind) SELECT coalesce(max(id), 0) + 1, $1, $2 FROM channel WHERE true
ON CONFLICT (name) DO NOTHING";
NEW_SECRET = "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
SECRET = "SELECT value FROM secret WHERE name = $1";
SIZE = "
SELECT (SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM journal), (SELECT count(*) FROM open_batch),
       (SELECT coalesce(max(sequence), 0) FROM usage), (SELECT count(*) FROM fact),
       pg_database_size(current_database())";

/// Up to where the journal may go: before everything that is open, that is younger, and before the last two
/// landmarks, the newest batch and the newest that accepted something.
PURGE_BELOW = "
SELECT min(seq) FROM (
    SELECT min(seq) AS seq FROM open_batch
    UNION ALL SELECT seq FROM (SELECT seq FROM journal WHERE at >= $1 ORDER BY seq LIMIT 1) AS young
    UNION ALL SELECT max(seq) FROM journal
    UNION ALL SELECT seq FROM (SELECT seq FROM journal WHERE first_accepted IS NOT NULL
                               ORDER BY first_accepted DESC LIMIT 1) AS accepting
) AS kept WHERE seq IS NOT NULL";
/// One helping: a long transaction would keep commits waiting.
PURGE_STEP = "
SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM journal WHERE seq < $1 ORDER BY seq LIMIT 256) AS helping";
PURGE_JOURNAL = "DELETE FROM journal WHERE seq <= $1";
PURGE_PARTIES = "DELETE FROM parties WHERE seq <= $1";
PURGE_TOUCHES = "DELETE FROM touch WHERE birth <= $1";
PURGE_FACTS = "
DELETE FROM fact WHERE (kind, key) IN (SELECT kind, key FROM fact WHERE expires_at <= $1 LIMIT 1024)";
}

//! The dialect of PostgreSQL. Lists come in as arrays, so the text of a statement never depends on how long
//! they are.

/// A number of ours, so that two processes do not climb the ladder at once.
pub(crate) const LOCK_LAYOUT: &str = "SELECT pg_advisory_xact_lock(7286345219)";
pub(crate) const HAS_LAYOUT: &str = "SELECT to_regclass('layout') IS NOT NULL";
pub(crate) const NEW_LAYOUT: &str = "CREATE TABLE layout (version BIGINT NOT NULL)";
pub(crate) const LAYOUT: &str = "SELECT coalesce(max(version), 0) FROM layout";
pub(crate) const CLIMBED: &str = "INSERT INTO layout VALUES ($1)";
/// For readers that need several statements to speak of one moment.
pub(crate) const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

pub(crate) const RAISE_EPOCH: &str = "UPDATE owner SET epoch = epoch + 1 RETURNING epoch";
pub(crate) const EPOCH: &str = "SELECT epoch FROM owner";
/// Holds off whoever wants to become the owner until the transaction ends.
pub(crate) const EPOCH_HELD: &str = "SELECT epoch FROM owner FOR SHARE";
pub(crate) const LAST_SEQ: &str = "SELECT coalesce(max(seq), 0) FROM journal";
pub(crate) const LAST_USAGE: &str = "SELECT coalesce(max(sequence), 0) FROM usage";
pub(crate) const DIGEST: &str = "SELECT digest FROM journal WHERE seq = $1";

/// A whole commit: one statement is one transaction and one round trip. Its parts do not see each other's
/// rows, so what comes and goes in the same batch is left out before; see `postgres/write.rs` for the values.
pub(crate) const WRITE: &str = "
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
                       segments, octets, sender, recipient, cause)
    SELECT $15 + place - 1, $1, message, leg, event, at, service, outcome, origin, channel, class, lane,
           segments, octets, sender, recipient, cause
    FROM unnest($16::bigint[], $17::smallint[], $18::smallint[], $19::bigint[], $20::smallint[], $21::smallint[],
                $22::integer[], $23::integer[], $24::smallint[], $25::smallint[], $26::integer[], $27::bigint[],
                $28::bigint[], $29::bigint[], $30::text[]) WITH ORDINALITY
        AS new (message, leg, event, at, service, outcome, origin, channel, class, lane, segments, octets,
                sender, recipient, cause, place)
), learned AS (
    INSERT INTO fact (kind, key, value, expires_at)
    SELECT kind, key, value, expires_at
    FROM unnest($31::smallint[], $32::bytea[], $33::bytea[], $34::bigint[]) AS new (kind, key, value, expires_at)
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
), forgotten AS (
    DELETE FROM fact USING unnest($35::smallint[], $36::bytea[]) AS old (kind, key)
    WHERE fact.kind = old.kind AND fact.key = old.key
)
SELECT 1";

pub(crate) const FIRST_SEQ: &str = "SELECT coalesce(min(seq), 0) FROM journal";
pub(crate) const OPEN_BIRTHS: &str = "SELECT seq FROM open_batch ORDER BY seq";
pub(crate) const ROWS_AFTER: &str = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(crate) const ROWS: &str = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE seq = ANY ($1) ORDER BY seq";
pub(crate) const LAST_ACCEPTING: &str = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE first_accepted IS NOT NULL ORDER BY first_accepted DESC LIMIT 1";
pub(crate) const ACCEPTING: &str = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal
WHERE first_accepted < $1
  AND first_accepted >= coalesce((SELECT max(first_accepted) FROM journal WHERE first_accepted <= $2), 0)
ORDER BY first_accepted DESC LIMIT $3";
pub(crate) const ACCEPTING_PARTY: &str = "
SELECT seq, at, epoch, first_accepted, digest, payload FROM journal JOIN parties USING (seq)
WHERE first_accepted < $1
  AND first_accepted >= coalesce((SELECT max(first_accepted) FROM journal WHERE first_accepted <= $2), 0)
  AND position($4 IN hashes) > 0
ORDER BY first_accepted DESC LIMIT $3";
pub(crate) const BIRTH: &str = "
SELECT seq FROM journal WHERE first_accepted <= $1 ORDER BY first_accepted DESC LIMIT 1";
pub(crate) const TOUCHES: &str = "
SELECT DISTINCT seq FROM touch WHERE birth = ANY ($1) ORDER BY seq";
pub(crate) const CONTENTS: &str = "
SELECT seq, contents FROM open_batch
WHERE seq = ANY ($1) AND contents IS NOT NULL ORDER BY seq";
pub(crate) const OVERRIDES: &str = "
SELECT birth, contents FROM content_override WHERE birth = ANY ($1) ORDER BY message";
pub(crate) const USAGE: &str = "
SELECT sequence, batch, rating::bigint, message, leg::bigint, event::bigint, at, service::bigint,
       outcome::bigint, origin::bigint, channel::bigint, class::bigint, lane::bigint, segments::bigint, octets,
       sender, recipient, cause
FROM usage WHERE sequence > $1 ORDER BY sequence LIMIT $2";
pub(crate) const USAGE_OF_ORIGIN: &str = "
SELECT sequence, batch, rating::bigint, message, leg::bigint, event::bigint, at, service::bigint,
       outcome::bigint, origin::bigint, channel::bigint, class::bigint, lane::bigint, segments::bigint, octets,
       sender, recipient, cause
FROM usage WHERE sequence > $1 AND origin = $3 ORDER BY sequence LIMIT $2";
pub(crate) const FACTS: &str = "SELECT kind::bigint, key, value, expires_at FROM fact ORDER BY kind, key";
pub(crate) const CHANNELS: &str = "SELECT id::bigint, name, kind FROM channel ORDER BY id";
pub(crate) const CHANNEL: &str = "SELECT id::bigint, name, kind FROM channel WHERE name = $1";
pub(crate) const NEW_CHANNEL: &str = "
INSERT INTO channel (id, name, kind) SELECT coalesce(max(id), 0) + 1, $1, $2 FROM channel WHERE true
ON CONFLICT (name) DO NOTHING";
pub(crate) const SIZE: &str = "
SELECT (SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM journal), (SELECT count(*) FROM open_batch),
       (SELECT coalesce(max(sequence), 0) FROM usage), (SELECT count(*) FROM fact), pg_database_size(current_database())";

/// Up to where the journal may go: before everything that is open, that is younger, and before the last two
/// landmarks, the newest batch and the newest that accepted something.
pub(crate) const PURGE_BELOW: &str = "
SELECT min(seq) FROM (
    SELECT min(seq) AS seq FROM open_batch
    UNION ALL SELECT seq FROM (SELECT seq FROM journal WHERE at >= $1 ORDER BY seq LIMIT 1) AS young
    UNION ALL SELECT max(seq) FROM journal
    UNION ALL SELECT seq FROM (SELECT seq FROM journal WHERE first_accepted IS NOT NULL
                               ORDER BY first_accepted DESC LIMIT 1) AS accepting
) AS kept WHERE seq IS NOT NULL";
/// One helping: a long transaction would keep commits waiting.
pub(crate) const PURGE_STEP: &str = "
SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM journal WHERE seq < $1 ORDER BY seq LIMIT 256) AS helping";
pub(crate) const PURGE_JOURNAL: &str = "DELETE FROM journal WHERE seq <= $1";
pub(crate) const PURGE_PARTIES: &str = "DELETE FROM parties WHERE seq <= $1";
pub(crate) const PURGE_TOUCHES: &str = "DELETE FROM touch WHERE birth <= $1";
pub(crate) const PURGE_FACTS: &str = "
DELETE FROM fact WHERE (kind, key) IN (SELECT kind, key FROM fact WHERE expires_at <= $1 LIMIT 1024)";

-- RCS: its service, presence, fallbacks that name what they replaced, and the charging ids of other networks.
-- Services: 4 RCS. Outcomes: 8 replaced.
ALTER TABLE usage DROP CONSTRAINT usage_service_check, ADD CONSTRAINT usage_service_check CHECK (service BETWEEN 1 AND 4);
ALTER TABLE usage DROP CONSTRAINT usage_outcome_check, ADD CONSTRAINT usage_outcome_check CHECK (outcome BETWEEN 1 AND 8);
-- The leg whose record this one takes back or takes over from.
ALTER TABLE usage ADD COLUMN parent SMALLINT, ADD COLUMN charging_id TEXT;
ALTER TABLE fact DROP CONSTRAINT fact_kind_check, ADD CONSTRAINT fact_kind_check CHECK (kind BETWEEN 1 AND 255);
ALTER TABLE channel DROP CONSTRAINT channel_kind_check,
    ADD CONSTRAINT channel_kind_check CHECK (kind IN ('smsc', 'esme', 'messenger', 'http', 'rcs'));

-- What this gateway keeps from everybody else and must not lose: the keys of its own ids and codes.
CREATE TABLE secret (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

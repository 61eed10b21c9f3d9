-- RCS: its service, presence, fallbacks that name what they replaced, and the charging ids of other networks.
-- SQLite changes a check only by building the table anew.
CREATE TABLE usage_new (
    sequence    INTEGER PRIMARY KEY,
    batch       INTEGER NOT NULL,
    message     INTEGER NOT NULL,
    leg         INTEGER NOT NULL,
    -- 1 submit, 2 deliver, 3 reversal
    event       INTEGER NOT NULL CHECK (event BETWEEN 1 AND 3),
    at          INTEGER NOT NULL,
    -- 1 SMS, 2 messenger, 3 ESME, 4 RCS
    service     INTEGER NOT NULL CHECK (service BETWEEN 1 AND 4),
    -- 1 accepted, 2 delivered, 3 handed over, 4 failed, 5 expired, 6 cancelled, 7 unknown, 8 replaced
    outcome     INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 8),
    origin      INTEGER NOT NULL,
    channel     INTEGER NOT NULL,
    -- 1 person, 2 one-time password, 3 transactional, 4 advertising
    class       INTEGER NOT NULL CHECK (class BETWEEN 1 AND 4),
    -- 1 urgent, 2 person, 3 bulk
    lane        INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 3),
    segments    INTEGER NOT NULL CHECK (segments >= 1),
    octets      INTEGER NOT NULL,
    sender      INTEGER,
    recipient   INTEGER,
    cause       TEXT,
    -- 0 suspended: no tariff yet, 1 rated, 2 zero-rated, 3 not chargeable
    rating      INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 3),
    -- The leg whose record this one takes back or takes over from.
    parent      INTEGER,
    charging_id TEXT,
    UNIQUE (message, leg, event)
) STRICT;
INSERT INTO usage_new (sequence, batch, message, leg, event, at, service, outcome, origin, channel, class, lane,
                       segments, octets, sender, recipient, cause, rating)
SELECT sequence, batch, message, leg, event, at, service, outcome, origin, channel, class, lane,
       segments, octets, sender, recipient, cause, rating
FROM usage;
DROP TABLE usage;
ALTER TABLE usage_new RENAME TO usage;

CREATE TABLE fact_new (
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 255),
    key        BLOB NOT NULL,
    value      BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO fact_new SELECT kind, key, value, expires_at FROM fact;
DROP TABLE fact;
ALTER TABLE fact_new RENAME TO fact;
CREATE INDEX fact_expires ON fact (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE channel_new (
    id   INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 65535),
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('smsc', 'esme', 'messenger', 'http', 'rcs'))
) STRICT;
INSERT INTO channel_new SELECT id, name, kind FROM channel;
DROP TABLE channel;
ALTER TABLE channel_new RENAME TO channel;

-- What this gateway keeps from everybody else and must not lose: the keys of its own ids and codes.
CREATE TABLE secret (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

PRAGMA user_version = 2;

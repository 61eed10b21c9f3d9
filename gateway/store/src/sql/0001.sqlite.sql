-- Which opening of the store may write. Each opening raises it by one.
CREATE TABLE owner (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO owner VALUES (1, 0);

-- What happened, one row for each commit. Times are microseconds of UTC.
CREATE TABLE journal (
    seq            INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    first_accepted INTEGER,
    -- A writer that is not the owner any more finds no epoch, and is refused here.
    epoch          INTEGER NOT NULL,
    digest         BLOB NOT NULL,
    payload        BLOB NOT NULL
) STRICT;
CREATE INDEX journal_accepting ON journal (first_accepted) WHERE first_accepted IS NOT NULL;

-- Who takes part in the messages accepted in a batch: sorted hashes of four octets.
CREATE TABLE parties (
    seq    INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL
) STRICT;

-- Batches of which something is open, with what their messages say until that is erased.
CREATE TABLE open_batch (
    seq      INTEGER PRIMARY KEY,
    contents BLOB
) STRICT;

-- Contents given to a message after its acceptance.
CREATE TABLE content_override (
    message  INTEGER PRIMARY KEY,
    birth    INTEGER NOT NULL,
    contents BLOB NOT NULL
) STRICT;
CREATE INDEX content_override_birth ON content_override (birth);

-- Which later batches speak of messages born in a batch.
CREATE TABLE touch (
    birth INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (birth, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    sequence  INTEGER PRIMARY KEY,
    batch     INTEGER NOT NULL,
    message   INTEGER NOT NULL,
    leg       INTEGER NOT NULL,
    -- 1 submit, 2 deliver, 3 reversal
    event     INTEGER NOT NULL CHECK (event BETWEEN 1 AND 3),
    at        INTEGER NOT NULL,
    -- 1 SMS, 2 messenger, 3 ESME
    service   INTEGER NOT NULL CHECK (service BETWEEN 1 AND 3),
    -- 1 accepted, 2 delivered, 3 handed over, 4 failed, 5 expired, 6 cancelled, 7 unknown
    outcome   INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 7),
    origin    INTEGER NOT NULL,
    channel   INTEGER NOT NULL,
    -- 1 person, 2 one-time password, 3 transactional, 4 advertising
    class     INTEGER NOT NULL CHECK (class BETWEEN 1 AND 4),
    -- 1 urgent, 2 person, 3 bulk
    lane      INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 3),
    segments  INTEGER NOT NULL CHECK (segments >= 1),
    octets    INTEGER NOT NULL,
    sender    INTEGER,
    recipient INTEGER,
    cause     TEXT,
    -- 0 suspended: no tariff yet, 1 rated, 2 zero-rated, 3 not chargeable
    rating    INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 3),
    UNIQUE (message, leg, event)
) STRICT;

CREATE TABLE fact (
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7),
    key        BLOB NOT NULL,
    value      BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_expires ON fact (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE channel (
    id   INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 65535),
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('smsc', 'esme', 'messenger', 'http'))
) STRICT;

PRAGMA user_version = 1;

-- Which opening of the store may write. Each opening raises it by one.
CREATE TABLE owner (
    one   SMALLINT PRIMARY KEY CHECK (one = 1),
    epoch BIGINT NOT NULL
);
INSERT INTO owner VALUES (1, 0);

-- What happened, one row for each commit. Times are microseconds of UTC.
CREATE TABLE journal (
    seq            BIGINT PRIMARY KEY,
    at             BIGINT NOT NULL,
    first_accepted BIGINT,
    -- A writer that is not the owner any more finds no epoch, and is refused here.
    epoch          BIGINT NOT NULL,
    digest         BYTEA NOT NULL,
    payload        BYTEA NOT NULL
);
-- Compact already: compressing it again only costs time.
ALTER TABLE journal ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX journal_accepting ON journal (first_accepted) WHERE first_accepted IS NOT NULL;

-- Who takes part in the messages accepted in a batch: sorted hashes of four octets.
CREATE TABLE parties (
    seq    BIGINT PRIMARY KEY,
    hashes BYTEA NOT NULL
);
ALTER TABLE parties ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Batches of which something is open, with what their messages say until that is erased.
CREATE TABLE open_batch (
    seq      BIGINT PRIMARY KEY,
    contents BYTEA
);
ALTER TABLE open_batch ALTER COLUMN contents SET STORAGE EXTERNAL;

-- Contents given to a message after its acceptance.
CREATE TABLE content_override (
    message  BIGINT PRIMARY KEY,
    birth    BIGINT NOT NULL,
    contents BYTEA NOT NULL
);
CREATE INDEX content_override_birth ON content_override (birth);

-- Which later batches speak of messages born in a batch.
CREATE TABLE touch (
    birth BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    PRIMARY KEY (birth, seq)
);

CREATE TABLE usage (
    sequence  BIGINT PRIMARY KEY,
    batch     BIGINT NOT NULL,
    message   BIGINT NOT NULL,
    leg       SMALLINT NOT NULL,
    -- 1 submit, 2 deliver, 3 reversal
    event     SMALLINT NOT NULL CHECK (event BETWEEN 1 AND 3),
    at        BIGINT NOT NULL,
    -- 1 SMS, 2 messenger, 3 ESME
    service   SMALLINT NOT NULL CHECK (service BETWEEN 1 AND 3),
    -- 1 accepted, 2 delivered, 3 handed over, 4 failed, 5 expired, 6 cancelled, 7 unknown
    outcome   SMALLINT NOT NULL CHECK (outcome BETWEEN 1 AND 7),
    origin    INTEGER NOT NULL,
    channel   INTEGER NOT NULL,
    -- 1 person, 2 one-time password, 3 transactional, 4 advertising
    class     SMALLINT NOT NULL CHECK (class BETWEEN 1 AND 4),
    -- 1 urgent, 2 person, 3 bulk
    lane      SMALLINT NOT NULL CHECK (lane BETWEEN 1 AND 3),
    segments  INTEGER NOT NULL CHECK (segments >= 1),
    octets    BIGINT NOT NULL,
    sender    BIGINT,
    recipient BIGINT,
    cause     TEXT,
    -- 0 suspended: no tariff yet, 1 rated, 2 zero-rated, 3 not chargeable
    rating    SMALLINT NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 3),
    CONSTRAINT usage_once UNIQUE (message, leg, event)
);

CREATE TABLE fact (
    kind       SMALLINT NOT NULL CHECK (kind BETWEEN 1 AND 7),
    key        BYTEA NOT NULL,
    value      BYTEA NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (kind, key)
);
CREATE INDEX fact_expires ON fact (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE channel (
    id   INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 65535),
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('smsc', 'esme', 'messenger', 'http'))
);

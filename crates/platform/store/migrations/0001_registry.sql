-- Times are microseconds UTC since 1970. Hashes of keys and sessions are SHA-256, of passwords argon2id in PHC form.

-- Everything that happened, in order. `event` is the whole event as JSON; the other columns are read out of it.
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    tenant TEXT GENERATED ALWAYS AS (event ->> '$.tenant') VIRTUAL,
    twin TEXT GENERATED ALWAYS AS (event ->> '$.twin') VIRTUAL,
    kind TEXT GENERATED ALWAYS AS (event ->> '$.kind') VIRTUAL
) STRICT;

CREATE TABLE cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    unknown_tokens TEXT NOT NULL CHECK (unknown_tokens IN ('accept', 'reject')),
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stations (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    station TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, station)
) STRICT, WITHOUT ROWID;
-- For a socket whose path names no tenant.
CREATE INDEX stations_by_name ON stations (station, tenant);

CREATE TABLE api_keys (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    public_id TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    role TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    revoked_at_us INTEGER,
    PRIMARY KEY (tenant, public_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    user TEXT NOT NULL,
    role TEXT NOT NULL,
    expires_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_end ON sessions (tenant, expires_at_us);

CREATE TABLE tokens (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    token TEXT NOT NULL COLLATE NOCASE,
    status TEXT NOT NULL,
    PRIMARY KEY (tenant, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id INTEGER NOT NULL,
    station TEXT NOT NULL,
    address TEXT NOT NULL,
    protocol TEXT NOT NULL,
    password_hash TEXT,
    first_seen_us INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, station)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_age ON claims (tenant, last_seen_us);

-- `bill` is the running fold of the events as JSON; the other columns are read out of it to be searched.
CREATE TABLE transactions (
    tenant TEXT NOT NULL,
    number INTEGER NOT NULL,
    station TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    start_key TEXT,
    id_token TEXT,
    state TEXT NOT NULL CHECK (state IN ('active', 'ended', 'orphan')),
    started_at_us INTEGER,
    ended_at_us INTEGER,
    last_at_us INTEGER NOT NULL,
    energy_wh TEXT NOT NULL,
    energy_uwh INTEGER NOT NULL,
    bill TEXT NOT NULL,
    PRIMARY KEY (tenant, number),
    UNIQUE (tenant, station, transaction_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX transactions_by_start ON transactions (tenant, station, start_key) WHERE start_key IS NOT NULL;
CREATE INDEX transactions_by_station ON transactions (tenant, station, number);
CREATE INDEX transactions_by_token ON transactions (tenant, id_token, number) WHERE id_token IS NOT NULL;
CREATE INDEX transactions_active ON transactions (tenant, number) WHERE state = 'active';
CREATE INDEX transactions_by_time
    ON transactions (tenant, last_at_us, station, started_at_us, energy_uwh, transaction_id);

-- What was recorded already; `fact` is the event's own body without its samples, which the journal keeps.
CREATE TABLE transaction_events (
    tenant TEXT NOT NULL,
    station TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    seq_no INTEGER NOT NULL,
    phase INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 2),
    at_us INTEGER NOT NULL,
    fact TEXT NOT NULL,
    PRIMARY KEY (tenant, station, transaction_id, seq_no, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE commands (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    station TEXT NOT NULL,
    action TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at_us INTEGER NOT NULL,
    finished_at_us INTEGER,
    answer TEXT,
    reason TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_by_time ON commands (tenant, requested_at_us, id);
CREATE INDEX commands_by_station ON commands (tenant, station, requested_at_us, id);
CREATE INDEX commands_unfinished ON commands (tenant, requested_at_us) WHERE finished_at_us IS NULL;

CREATE TABLE alarms (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    twin TEXT NOT NULL,
    station TEXT,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    raised_at_us INTEGER NOT NULL,
    cleared_at_us INTEGER,
    acknowledged_at_us INTEGER,
    acknowledged_by TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alarms_open ON alarms (tenant, twin, code) WHERE cleared_at_us IS NULL;
CREATE INDEX alarms_open_by_time ON alarms (tenant, raised_at_us, id) WHERE cleared_at_us IS NULL;
CREATE INDEX alarms_by_time ON alarms (tenant, raised_at_us, id);

CREATE TABLE audit (
    tenant TEXT NOT NULL,
    id INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

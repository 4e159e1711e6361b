-- Signed readings byte for byte, tariffs and who gets which, and what transactions cost. JSON columns hold the forms of the crates.

CREATE TABLE signed_readings (
    tenant TEXT NOT NULL,
    station TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    seq_no INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    position INTEGER NOT NULL,
    reading TEXT NOT NULL,
    PRIMARY KEY (tenant, station, transaction_id, seq_no, phase, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tariffs (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    tariff TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    -- Not offered any more; old transactions keep it.
    retired INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id, version)
) STRICT, WITHOUT ROWID;

-- From a time on, a scope is priced by a tariff; NULL ends an assignment. Rows are added and never changed, so that the price of a
-- past transaction stays what it was.
CREATE TABLE tariff_assignments (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    number INTEGER NOT NULL,
    -- 'default', 'site', 'station', 'evse', 'transaction'
    scope TEXT NOT NULL,
    target TEXT NOT NULL,
    -- '' = every token
    token_group TEXT NOT NULL,
    from_us INTEGER NOT NULL,
    tariff TEXT,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tariff_assignments_by_scope ON tariff_assignments (tenant, scope, target, token_group, from_us);

CREATE TABLE token_groups (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    token TEXT NOT NULL COLLATE NOCASE,
    token_group TEXT NOT NULL,
    PRIMARY KEY (tenant, token)
) STRICT, WITHOUT ROWID;

-- Ended transactions whose cost is not worked out yet, or not any more.
CREATE TABLE rating_due (
    tenant TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

-- What an ended transaction costs. A correction is a new revision with its reason.
CREATE TABLE receipts (
    tenant TEXT NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    receipt TEXT NOT NULL,
    PRIMARY KEY (tenant, number, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX transactions_ended ON transactions (tenant, ended_at_us, number) WHERE ended_at_us IS NOT NULL;

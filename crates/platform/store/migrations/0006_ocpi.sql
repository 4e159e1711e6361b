-- Partners by OCPI: who we are to them, who they are, what they may read, their tokens, and what is to be sent to them.

CREATE TABLE ocpi_settings (
    tenant TEXT PRIMARY KEY REFERENCES tenants (tenant),
    country_code TEXT NOT NULL,
    party_id TEXT NOT NULL,
    name TEXT NOT NULL,
    website TEXT,
    url TEXT NOT NULL,
    currency TEXT NOT NULL,
    changed_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `token_in` is the hash of what the partner presents; `token_out` is what we present, as it is, since it must be sent.
CREATE TABLE ocpi_parties (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    token_in BLOB UNIQUE CHECK (length(token_in) = 32),
    token_out TEXT,
    url TEXT,
    roles TEXT NOT NULL,
    endpoints TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    changed_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- What partners may read, as it was last told; `owner` is the one partner that may, '' for all.
CREATE TABLE ocpi_objects (
    tenant TEXT NOT NULL,
    module TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    place INTEGER NOT NULL,
    owner TEXT NOT NULL,
    last_updated_us INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, module, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ocpi_objects_by_place ON ocpi_objects (tenant, module, place);

CREATE TABLE ocpi_tokens (
    tenant TEXT NOT NULL,
    party TEXT NOT NULL,
    kind TEXT NOT NULL,
    uid TEXT NOT NULL COLLATE NOCASE,
    last_updated_us INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, uid, party, kind)
) STRICT, WITHOUT ROWID;

-- How a token was last let in, and what its owner calls that.
CREATE TABLE ocpi_grants (
    tenant TEXT NOT NULL,
    uid TEXT NOT NULL COLLATE NOCASE,
    method TEXT NOT NULL,
    reference TEXT,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, uid)
) STRICT, WITHOUT ROWID;

-- Reservations that partners asked for; `number` is what the station calls them.
CREATE TABLE ocpi_reservations (
    tenant TEXT NOT NULL,
    party TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    number INTEGER NOT NULL,
    station TEXT NOT NULL,
    expires_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, party, id)
) STRICT, WITHOUT ROWID;

-- One row an object that a partner does not have in its newest state. `parts`: only these parts changed; NULL = the whole.
CREATE TABLE ocpi_outbox (
    tenant TEXT NOT NULL,
    party TEXT NOT NULL,
    module TEXT NOT NULL,
    object TEXT NOT NULL,
    parts TEXT,
    body TEXT NOT NULL,
    revision INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_us INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    error TEXT,
    created_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, party, module, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX ocpi_outbox_due ON ocpi_outbox (tenant, dead, next_us);

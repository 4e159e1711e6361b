-- How a station must come (OCPP security profile 0 to 3; no row: 1), where it is going, and the password that takes over once the
-- station has come with it. Certificates that our authority issued or a station was given, by their SHA-256.

CREATE TABLE station_security (
    tenant TEXT NOT NULL,
    station TEXT NOT NULL,
    profile INTEGER NOT NULL CHECK (profile BETWEEN 0 AND 3),
    next_password_hash TEXT,
    next_since_us INTEGER,
    PRIMARY KEY (tenant, station),
    FOREIGN KEY (tenant, station) REFERENCES stations (tenant, station) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    fingerprint TEXT NOT NULL,
    station TEXT NOT NULL,
    serial TEXT NOT NULL,
    not_after_us INTEGER NOT NULL,
    issued_at_us INTEGER NOT NULL,
    issued_by TEXT NOT NULL,
    revoked_at_us INTEGER,
    PRIMARY KEY (tenant, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_station ON certificates (tenant, station, issued_at_us);
CREATE INDEX certificates_by_end ON certificates (tenant, not_after_us) WHERE revoked_at_us IS NULL;

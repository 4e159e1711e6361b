-- Files that stations send us and firmware that we hand to them. The bytes lie in the folder `files` beside the
-- database, named by id; what stands here as stored is there in full.

CREATE TABLE files (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    station TEXT,
    name TEXT NOT NULL,
    request_id INTEGER,
    bytes INTEGER NOT NULL,
    sha256 TEXT,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    stored_at_us INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_station ON files (tenant, station, id);

-- Who holds the token whose hash stands here may send or fetch the file until then.
CREATE TABLE file_tokens (
    hash BLOB PRIMARY KEY,
    tenant TEXT NOT NULL,
    file TEXT NOT NULL,
    purpose TEXT NOT NULL,
    expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX file_tokens_by_file ON file_tokens (tenant, file);

-- Tenants as instances of Azure Digital Twins: which language and limits hold, and whose tokens are let in.
CREATE TABLE instances (
    tenant TEXT PRIMARY KEY REFERENCES tenants (tenant),
    strict INTEGER NOT NULL CHECK (strict IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Directories (`tid` of a token, or its issuer) whose principals a tenant lets in.
CREATE TABLE instance_directories (
    directory TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    PRIMARY KEY (directory, tenant)
) STRICT, WITHOUT ROWID;

-- Roles that are given here and not by the issuer.
CREATE TABLE instance_roles (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    principal TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'reader')),
    PRIMARY KEY (tenant, principal)
) STRICT, WITHOUT ROWID;

-- Jobs over a whole graph (`import`, `deletion`). `spec` says what was asked, `progress` where it stands; both are JSON.
CREATE TABLE graph_jobs (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    spec TEXT NOT NULL,
    progress TEXT NOT NULL,
    error TEXT,
    created_by TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    acted_at_us INTEGER NOT NULL,
    finished_at_us INTEGER,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX graph_jobs_unfinished ON graph_jobs (tenant, kind) WHERE finished_at_us IS NULL;

-- Jobs: one thing asked of many stations (`bulk`, `campaign`). `spec` is JSON; what became of each station stands in job_stations.
CREATE TABLE jobs (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    spec TEXT NOT NULL,
    reason TEXT,
    created_by TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    finished_at_us INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_time ON jobs (tenant, kind, created_at_us, id);
CREATE INDEX jobs_unfinished ON jobs (tenant, kind) WHERE finished_at_us IS NULL;

CREATE TABLE job_stations (
    tenant TEXT NOT NULL,
    job TEXT NOT NULL,
    station TEXT NOT NULL,
    state TEXT NOT NULL,
    wave INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    request_id INTEGER,
    command TEXT,
    detail TEXT,
    changed_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, job, station)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_stations_by_state ON job_stations (tenant, job, state, station);

-- Whether a station was reachable and a connector in service, one row a change: `online`, `offline`; `up`, `Faulted`, `Unavailable`; `gone`.
CREATE TABLE status_history (
    tenant TEXT NOT NULL,
    twin TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant, twin, at_us)
) STRICT, WITHOUT ROWID;

-- Spans in which nobody watched, for all tenants; the row 'alive' of `watch` says until when somebody did.
CREATE TABLE watch_gaps (
    from_us INTEGER PRIMARY KEY,
    to_us INTEGER NOT NULL
) STRICT;
CREATE TABLE watch (
    name TEXT PRIMARY KEY,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Outages that do not count against uptime, said by a person. `scope` is a connector, EVSE, station, site or zone, or `*`.
CREATE TABLE uptime_exclusions (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    cause TEXT NOT NULL,
    note TEXT NOT NULL,
    by TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX uptime_exclusions_by_time ON uptime_exclusions (tenant, to_us);

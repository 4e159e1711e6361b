-- Events for programs outside: which tenants keep an event log, where events go, and which of them.

-- `keep_s`: how long an event stays in the log. `history`: whether the tables of data history are written.
CREATE TABLE event_logs (
    tenant TEXT PRIMARY KEY REFERENCES tenants (tenant),
    keep_s INTEGER NOT NULL,
    history INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `settings` is JSON without secrets; `secret` is what we present, as it is, since it must be sent.
-- `place`: every event of the log up to here was delivered or given up.
CREATE TABLE event_endpoints (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    secret TEXT,
    enabled INTEGER NOT NULL,
    place INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    changed_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- `since`: the route takes events of the log after this place.
CREATE TABLE event_routes (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    filter TEXT NOT NULL,
    since INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    changed_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, endpoint) REFERENCES event_endpoints (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_routes_by_endpoint ON event_routes (tenant, endpoint);

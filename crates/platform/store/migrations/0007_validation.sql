-- How strictly stations are held to the protocol, and how often they break it. An empty word stands for any.

CREATE TABLE validation_policies (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    station TEXT NOT NULL,
    vendor TEXT NOT NULL,
    model TEXT NOT NULL,
    firmware TEXT NOT NULL,
    policy TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, station, vendor, model, firmware)
) STRICT, WITHOUT ROWID;

CREATE TABLE violation_counts (
    tenant TEXT NOT NULL,
    vendor TEXT NOT NULL,
    model TEXT NOT NULL,
    firmware TEXT NOT NULL,
    code TEXT NOT NULL,
    action TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    last_twin TEXT NOT NULL,
    PRIMARY KEY (tenant, vendor, model, firmware, code, action)
) STRICT, WITHOUT ROWID;

-- Scenarios of battery-swap networks (form swap-scenario/1). `version` counts the changes.
CREATE TABLE swap_scenarios (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    stations INTEGER NOT NULL,
    scenario TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Simulations of such networks; `spec` holds the scenarios as they are run.
CREATE TABLE swap_runs (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    state TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    done INTEGER NOT NULL,
    error TEXT,
    created_by TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    started_at_us INTEGER,
    ended_at_us INTEGER,
    spec TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX swap_runs_unfinished ON swap_runs (tenant) WHERE ended_at_us IS NULL;

-- Replications that are done, to the bit, so that a run goes on where it was.
CREATE TABLE swap_blocks (
    tenant TEXT NOT NULL,
    run TEXT NOT NULL,
    design INTEGER NOT NULL,
    first INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (tenant, run, design, first),
    FOREIGN KEY (tenant, run) REFERENCES swap_runs (tenant, id) ON DELETE CASCADE
) STRICT;

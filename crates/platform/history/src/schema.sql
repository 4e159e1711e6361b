-- Times are microseconds UTC since 1970.
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    twin TEXT NOT NULL,
    property TEXT NOT NULL,
    UNIQUE (tenant, twin, property)
) STRICT;

-- The newest telemetry, clustered by time: a B-tree clustered by series slows down twentyfold as it grows.
CREATE TABLE IF NOT EXISTS hot (
    at_us INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (at_us, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file TEXT NOT NULL UNIQUE,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    rows INTEGER NOT NULL
) STRICT;

-- How far the feed has been written: one row.
CREATE TABLE IF NOT EXISTS feed (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO feed VALUES (1, 0);
PRAGMA user_version = 1;

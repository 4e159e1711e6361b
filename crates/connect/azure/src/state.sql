-- What the ends last agreed on, and what was sent since. `kind` is 0 for models, 1 for twins, 2 for relationships;
-- `source` is empty but for relationships.
CREATE TABLE IF NOT EXISTS entities (
    kind INTEGER NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    base TEXT,
    azure TEXT,
    voltwin TEXT,
    sent TEXT,
    PRIMARY KEY (kind, source, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;

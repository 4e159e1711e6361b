-- Frames in the order in which they were filed; `at_us` grows with `id`, but for moments.
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    station TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    direction TEXT NOT NULL,
    kind TEXT NOT NULL,
    action TEXT,
    message_id TEXT,
    payload TEXT NOT NULL,
    outcome TEXT,
    trace TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_tenant ON messages (tenant, id);
CREATE INDEX IF NOT EXISTS messages_by_station ON messages (tenant, station, id);
PRAGMA user_version = 1;

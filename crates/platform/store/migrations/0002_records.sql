-- The newest statement under each topic and key of a twin, and what happened to it in order. `value` and `detail` are JSON.

CREATE TABLE records (
    tenant TEXT NOT NULL,
    topic TEXT NOT NULL,
    twin TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, topic, twin, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_twin ON records (tenant, twin, topic);

CREATE TABLE notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    topic TEXT NOT NULL,
    twin TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX notes_by_topic ON notes (tenant, topic, id);
CREATE INDEX notes_by_twin ON notes (tenant, twin, topic, id);

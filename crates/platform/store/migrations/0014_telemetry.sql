-- Property changes, which come often and do not stay: those of one commit stand in one row, compressed. Their places are
-- those of the journal, between its rows. What is older than this table is in the journal itself.
CREATE TABLE telemetry (
    last INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    events BLOB NOT NULL
) STRICT;

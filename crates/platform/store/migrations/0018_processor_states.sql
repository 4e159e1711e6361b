-- What a reader of the feed remembers of single twins, as of its place in the feed: both are written together. `state` is
-- JSON in the reader's own terms.
CREATE TABLE processor_states (
    processor TEXT NOT NULL,
    tenant TEXT NOT NULL,
    twin TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (processor, tenant, twin)
) STRICT, WITHOUT ROWID;

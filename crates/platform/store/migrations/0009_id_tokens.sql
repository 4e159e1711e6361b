-- Id tokens in full, and the lists of them that stations hold.

ALTER TABLE tokens ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN expires_at_us INTEGER;
-- Who belongs together: what a token of a group began, another may end.
ALTER TABLE tokens ADD COLUMN parent TEXT COLLATE NOCASE;
ALTER TABLE tokens ADD COLUMN language TEXT;
-- Tokens of an earlier version may go on as they could.
ALTER TABLE tokens ADD COLUMN concurrent_allowed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tokens ADD COLUMN vehicle TEXT;
ALTER TABLE tokens ADD COLUMN note TEXT NOT NULL DEFAULT '';
-- JSON list of the twins of stations and EVSEs where alone it is good; empty = everywhere.
ALTER TABLE tokens ADD COLUMN only_at TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tokens ADD COLUMN changed_at_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';

-- Whose tokens may end any transaction and begin none.
ALTER TABLE tenants ADD COLUMN master_group TEXT COLLATE NOCASE;
-- Grows with every change of a token, so that a station's list can be told to be old without looking at the tokens.
ALTER TABLE tenants ADD COLUMN tokens_revision INTEGER NOT NULL DEFAULT 0;

CREATE INDEX transactions_active_by_token
    ON transactions (tenant, id_token COLLATE NOCASE) WHERE state = 'active';

-- What the local authorisation list of a station holds, as far as it has confirmed it.
CREATE TABLE local_list_entries (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    station TEXT NOT NULL,
    token TEXT NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (tenant, station, token)
) STRICT, WITHOUT ROWID;

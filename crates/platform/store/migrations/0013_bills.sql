-- Whether the station of an ended transaction works out another cost than its newest receipt.
ALTER TABLE transactions ADD COLUMN cost_differs INTEGER NOT NULL DEFAULT 0;

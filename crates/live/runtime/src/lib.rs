//! Twins in motion: shards, group commit, snapshot and replay, and the change feed.

//! The durable truth: journal, registry and audit in one SQLite database.

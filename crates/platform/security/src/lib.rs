//! Secrets, passwords, keys, roles and permissions.

//! The binary live-stream format: one definition, a Rust writer and a generated TypeScript reader.

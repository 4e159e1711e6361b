//! The voltwin command.
fn main() {}
